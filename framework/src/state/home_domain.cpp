#include "state/home_domain.hpp"

#include <string>

#include <cadre/detail/state/cell_guard.hpp>
#include <cadre/errors.hpp>

#include "state/home_locks.hpp"

namespace cadre::detail {

namespace {

template <class Object, class... Args>
std::shared_ptr<Object> make_at_home(const std::shared_ptr<home_table>& table, Args... args) {
    auto object = std::make_shared<Object>(table, args...);
    table->add(object->number(), object);
    return object;
}

}  // namespace

void throw_no_memory_on_several_hosts() {
    throw not_portable("an executor of several hosts has no memory for arrays and segments: its hosts share channels, "
                       "values, locks, semaphores, events, latches, barriers and constants");
}

void require_cell(std::size_t size, std::size_t alignment) {
    if (size > max_cell)
        throw not_portable("a shared value of " + std::to_string(size) +
                           " bytes: on an executor of several hosts it has at most " + std::to_string(max_cell) +
                           " bytes, because it travels as a whole");
    if (alignment > cell_alignment)
        throw not_portable("a shared value with an alignment of " + std::to_string(alignment) +
                           " bytes: on an executor of several hosts it is aligned to at most " +
                           std::to_string(cell_alignment));
}

template <class Object>
std::shared_ptr<Object> home_domain::find(decoder& in, home_kind kind) {
    const home_handle h = home_handle::read(in, kind);
    auto object = std::dynamic_pointer_cast<Object>(table_->find(h.number));
    if (h.is_owned()) table_->end_transit(h.number);
    if (object == nullptr) throw not_portable("the handle refers to a shared object that no longer exists");
    return object;
}

std::shared_ptr<shared_channel> home_domain::make_channel(std::size_t capacity) {
    return make_at_home<home_channel>(table_, capacity);
}
std::shared_ptr<process_lock> home_domain::make_lock() { return make_at_home<home_lock>(table_); }
std::shared_ptr<shared_semaphore> home_domain::make_semaphore(std::uint32_t permits) {
    return make_at_home<home_semaphore>(table_, permits);
}
std::shared_ptr<process_shared_lock> home_domain::make_shared_lock() { return make_at_home<home_shared_lock>(table_); }
std::shared_ptr<shared_condition> home_domain::make_condition() { return make_at_home<home_condition>(table_); }
std::shared_ptr<shared_block> home_domain::make_block(std::size_t, std::size_t) { throw_no_memory_on_several_hosts(); }
std::shared_ptr<shared_block> home_domain::make_cell(std::size_t size, std::size_t alignment) {
    require_cell(size, alignment);
    return make_at_home<home_cell>(table_, size);
}

std::shared_ptr<shared_channel> home_domain::take_channel(decoder& in) {
    return find<home_channel>(in, home_kind::channel);
}
std::shared_ptr<process_lock> home_domain::take_lock(decoder& in) { return find<home_lock>(in, home_kind::lock); }
std::shared_ptr<shared_semaphore> home_domain::take_semaphore(decoder& in) {
    return find<home_semaphore>(in, home_kind::semaphore);
}
std::shared_ptr<process_shared_lock> home_domain::take_shared_lock(decoder& in) {
    return find<home_shared_lock>(in, home_kind::shared_lock);
}
std::shared_ptr<shared_condition> home_domain::take_condition(decoder& in) {
    return find<home_condition>(in, home_kind::condition);
}
std::shared_ptr<shared_block> home_domain::take_block(decoder& in) {
    return find<home_constant>(in, home_kind::constant);
}
std::shared_ptr<shared_block> home_domain::take_cell(decoder& in) { return find<home_cell>(in, home_kind::cell); }

std::shared_ptr<home_constant> home_domain::make_constant(std::size_t size) {
    return make_at_home<home_constant>(table_, size);
}

std::shared_ptr<shared_block> home_domain::make_constant(std::span<const std::span<const std::byte>> pieces) {
    std::size_t size = 0;
    for (const auto piece : pieces)
        size += piece.size();
    auto constant = make_constant(size);
    for (const auto piece : pieces)
        static_cast<void>(constant->append(piece));
    return constant;
}

bool home_domain::constant_exists(decoder& in) {
    return table_->find(home_handle::read(in, home_kind::constant).number) != nullptr;
}

}  // namespace cadre::detail
