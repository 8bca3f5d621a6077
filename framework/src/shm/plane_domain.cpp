#include "shm/plane_domain.hpp"

#include <algorithm>
#include <limits>
#include <new>

#include "shm/plane_locks.hpp"

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/errors.hpp>

namespace cadre::detail::shm {

namespace {

template <class Object>
std::shared_ptr<Object> make_object(plane_core& core, object_ref o, bool fresh) {
    auto object = std::make_shared<Object>(std::make_shared<object_handle>(core, o, fresh));
    object->set_self(object);
    return object;
}

std::uint32_t read_number(decoder& in) {
    const std::uint64_t n = in.read_size();
    if (n > std::numeric_limits<std::uint32_t>::max()) throw_bad_size();
    return static_cast<std::uint32_t>(n);
}

constexpr auto nothing = [](std::byte*) noexcept {};

template <class Object>
std::shared_ptr<Object> find(plane_core& core, object_ref o, bool owned) {
    return core.find_or_make<Object>(o, owned, [&] { return make_object<Object>(core, o, false); });
}

}  // namespace

std::shared_ptr<shared_object> find_object(plane_core& core, object_ref o) {
    switch (o.kind) {
        case object_kind::channel: return find<plane_channel>(core, o, false);
        case object_kind::lock: return find<plane_lock>(core, o, false);
        case object_kind::semaphore: return find<plane_semaphore>(core, o, false);
        case object_kind::block: return find<plane_block>(core, o, false);
        case object_kind::shared_lock: return find<plane_shared_lock>(core, o, false);
        case object_kind::condition: return find<plane_condition>(core, o, false);
        case object_kind::none: break;
    }
    throw not_portable("the handle refers to an unknown kind of shared object");
}

template <class Object, class Initialise>
std::shared_ptr<Object> plane_domain::make(const object_table::wanted& w, Initialise initialise) {
    if (core_.stopped(id_)) throw executor_stopped{};
    const object_ref o = core_.objects.create(core_.space, w, initialise);
    try {
        return core_.find_or_make<Object>(o, false, [&] { return make_object<Object>(core_, o, true); });
    } catch (...) {
        core_.objects.release(o);
        throw;
    }
}

template <class Object>
std::shared_ptr<Object> plane_domain::take(decoder& in, object_kind kind) {
    const std::uint8_t head = in.read_byte();
    program_id program;
    std::memcpy(&program, in.read(sizeof program), sizeof program);
    object_ref o{};
    o.slot = read_number(in);
    o.index = read_number(in);
    o.incarnation = read_number(in);
    o.kind = kind;
    if ((head & 0x7fu) != static_cast<std::uint32_t>(kind))
        throw_malformed("the handle refers to another kind of shared object");
    if (program != core_.program) throw not_portable("the handle refers to a shared object of another program");
    if (!core_.objects.plausible(o)) throw not_portable("the handle refers to a shared object that never existed");
    return find<Object>(core_, o, (head & 0x80u) != 0);
}

message_pool* plane_domain::messages() {
    if (core_.stopped(id_)) throw executor_stopped{};
    return &core_.messages;
}

std::shared_ptr<shared_channel> plane_domain::make_channel(std::size_t capacity) {
    const std::uint64_t cells = std::max<std::size_t>(capacity, 1);
    if (cells > channel_words::max_cells) throw std::bad_alloc();
    return make<plane_channel>({object_kind::channel, channel_words::bytes(cells), 64, cells, id_},
                               [&](std::byte* data) { channel_words::initialise(data, cells); });
}

std::shared_ptr<process_lock> plane_domain::make_lock() {
    return make<plane_lock>({object_kind::lock, 0, 1, 0, id_}, nothing);
}

std::shared_ptr<process_shared_lock> plane_domain::make_shared_lock() {
    const std::uint64_t size = shared_lock_core<>::bytes(core_.memory.slots());
    return make<plane_shared_lock>({object_kind::shared_lock, size, 64, 0, id_}, nothing);
}

std::shared_ptr<shared_condition> plane_domain::make_condition() {
    const std::uint64_t size = slot_counts<>::bytes(core_.memory.slots());
    return make<plane_condition>({object_kind::condition, size, 64, 0, id_}, nothing);
}

std::shared_ptr<shared_semaphore> plane_domain::make_semaphore(std::uint32_t permits) {
    return make<plane_semaphore>({object_kind::semaphore, semaphore_core<>::bytes(core_.memory.slots()), 64, 0, id_},
                                 [&](std::byte* data) { semaphore_core<>::initialise(data, permits); });
}

std::shared_ptr<shared_block> plane_domain::make_block(std::size_t size, std::size_t alignment) {
    return make<plane_block>({object_kind::block, size, alignment, 0, id_}, nothing);
}

std::shared_ptr<shared_channel> plane_domain::take_channel(decoder& in) {
    return take<plane_channel>(in, object_kind::channel);
}
std::shared_ptr<process_lock> plane_domain::take_lock(decoder& in) { return take<plane_lock>(in, object_kind::lock); }
std::shared_ptr<process_shared_lock> plane_domain::take_shared_lock(decoder& in) {
    return take<plane_shared_lock>(in, object_kind::shared_lock);
}
std::shared_ptr<shared_condition> plane_domain::take_condition(decoder& in) {
    return take<plane_condition>(in, object_kind::condition);
}
std::shared_ptr<shared_semaphore> plane_domain::take_semaphore(decoder& in) {
    return take<plane_semaphore>(in, object_kind::semaphore);
}
std::shared_ptr<shared_block> plane_domain::take_block(decoder& in) {
    return take<plane_block>(in, object_kind::block);
}

}  // namespace cadre::detail::shm
