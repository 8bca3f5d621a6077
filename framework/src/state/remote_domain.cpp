#include "state/remote_domain.hpp"

#include <array>
#include <utility>

#include <cadre/detail/state/state_objects.hpp>
#include <cadre/errors.hpp>

#include "state/blocking_request.hpp"
#include "state/home_domain.hpp"
#include "state/remote_cell.hpp"
#include "state/remote_locks.hpp"

namespace cadre::detail {

void remote_domain::tell(home_op op, home_number number, std::span<const std::byte> arguments) noexcept {
    transport_.send(std::array{std::as_bytes(std::span(&op, 1)), std::as_bytes(std::span(&number, 1)), arguments},
                    nullptr);
}

template <class Object>
std::shared_ptr<Object> remote_domain::find_or_make(home_number number) {
    std::shared_ptr<shared_object> found;
    {
        const std::lock_guard hold(mutex_);
        if (const auto at = known_.find(number); at != known_.end()) found = at->second.object.lock();
    }
    if (found != nullptr) {
        auto object = std::dynamic_pointer_cast<Object>(std::move(found));
        if (object == nullptr) throw_malformed("the handle refers to another kind of shared object");
        return object;
    }
    auto made = std::make_shared<Object>(shared_from_this(), number);
    const std::lock_guard hold(mutex_);
    known& entry = known_[number];
    if (auto other = std::dynamic_pointer_cast<Object>(entry.object.lock())) return other;
    entry = {made, made.get()};
    return made;
}

void remote_domain::forget(home_number number, const remote_object* object) noexcept {
    const std::lock_guard hold(mutex_);
    const auto found = known_.find(number);
    if (found != known_.end() && found->second.address == object) known_.erase(found);  // not if it was replaced
}

template <class Object>
std::shared_ptr<Object> remote_domain::make(home_op op, std::uint64_t argument) {
    const home_reply reply = ask_home(transport_, op, 0, std::as_bytes(std::span(&argument, 1)));
    require_alive(reply.outcome);
    decoder in(reply.body.span());
    auto object = find_or_make<Object>(detail::take<std::uint64_t>(in));
    object->add_handle();
    return object;
}

template <class Object>
std::shared_ptr<Object> remote_domain::decode(decoder& in, home_kind kind, std::uint64_t* capacity) {
    const home_handle h = home_handle::read(in, kind);
    auto object = find_or_make<Object>(h.number);
    // The handles of a call are held until it has ended, those of bytes that own them until `end_transit`.
    tell(home_op::hold, h.number, {});
    object->add_handle();
    if (h.is_owned()) tell(home_op::end_transit, h.number, {});
    if (capacity != nullptr) *capacity = h.capacity;
    return object;
}

std::shared_ptr<shared_object> remote_domain::adopt(const handle_name& name) {
    const auto adopted = [](auto object) -> std::shared_ptr<shared_object> {
        object->add_handle();
        return object;
    };
    switch (is_home_name(name) ? kind_of(name) : home_kind{}) {
        case home_kind::channel: return adopted(find_or_make<remote_channel>(number_of(name)));
        case home_kind::lock: return adopted(find_or_make<remote_lock>(number_of(name)));
        case home_kind::semaphore: return adopted(find_or_make<remote_semaphore>(number_of(name)));
        case home_kind::constant: return adopted(find_or_make<remote_constant>(number_of(name)));
        case home_kind::cell: return adopted(find_or_make<remote_cell>(number_of(name)));
        case home_kind::shared_lock: return adopted(find_or_make<remote_shared_lock>(number_of(name)));
        case home_kind::condition: return adopted(find_or_make<remote_condition>(number_of(name)));
    }
    throw_malformed("the handle refers to an unknown kind of shared object");
}

std::shared_ptr<shared_channel> remote_domain::make_channel(std::size_t capacity) {
    auto channel = make<remote_channel>(home_op::make_channel, capacity);
    channel->set_capacity(capacity);
    return channel;
}
std::shared_ptr<process_lock> remote_domain::make_lock() { return make<remote_lock>(home_op::make_lock, 0); }
std::shared_ptr<shared_semaphore> remote_domain::make_semaphore(std::uint32_t permits) {
    return make<remote_semaphore>(home_op::make_semaphore, permits);
}
std::shared_ptr<process_shared_lock> remote_domain::make_shared_lock() {
    return make<remote_shared_lock>(home_op::make_shared_lock, 0);
}
std::shared_ptr<shared_condition> remote_domain::make_condition() {
    return make<remote_condition>(home_op::make_condition, 0);
}
std::shared_ptr<shared_block> remote_domain::make_block(std::size_t, std::size_t) {
    throw_no_memory_on_several_hosts();
}
std::shared_ptr<shared_block> remote_domain::make_cell(std::size_t size, std::size_t alignment) {
    require_cell(size, alignment);
    auto cell = make<remote_cell>(home_op::make_cell, size);
    cell->set_size(size);
    return cell;
}

std::shared_ptr<shared_channel> remote_domain::take_channel(decoder& in) {
    std::uint64_t capacity = 0;
    auto channel = decode<remote_channel>(in, home_kind::channel, &capacity);
    channel->set_capacity(capacity);
    return channel;
}
std::shared_ptr<process_lock> remote_domain::take_lock(decoder& in) { return decode<remote_lock>(in, home_kind::lock); }
std::shared_ptr<shared_semaphore> remote_domain::take_semaphore(decoder& in) {
    return decode<remote_semaphore>(in, home_kind::semaphore);
}
std::shared_ptr<process_shared_lock> remote_domain::take_shared_lock(decoder& in) {
    return decode<remote_shared_lock>(in, home_kind::shared_lock);
}
std::shared_ptr<shared_condition> remote_domain::take_condition(decoder& in) {
    return decode<remote_condition>(in, home_kind::condition);
}
std::shared_ptr<shared_block> remote_domain::take_block(decoder& in) {
    std::uint64_t size = 0;
    auto constant = decode<remote_constant>(in, home_kind::constant, &size);
    constant->set_size(size);
    return constant;
}

std::shared_ptr<shared_block> remote_domain::take_cell(decoder& in) {
    std::uint64_t size = 0;
    auto cell = decode<remote_cell>(in, home_kind::cell, &size);
    cell->set_size(size);
    return cell;
}

std::shared_ptr<shared_block> remote_domain::make_constant(std::span<const std::span<const std::byte>> pieces) {
    std::uint64_t size = 0;
    for (const auto piece : pieces)
        size += piece.size();
    auto constant = make<remote_constant>(home_op::make_constant, size);
    constant->set_size(size);
    constant->fill(pieces);
    return constant;
}

bool remote_domain::constant_exists(decoder& in) {
    const home_number number = home_handle::read(in, home_kind::constant).number;
    const home_reply reply = ask_home(transport_, home_op::exists, number, {});
    if (reply.outcome != op_status::done) return false;
    decoder value(reply.body.span());
    return detail::take<std::uint64_t>(value) != 0;
}

}  // namespace cadre::detail
