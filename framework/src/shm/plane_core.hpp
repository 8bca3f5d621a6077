/// @file
/// What the objects of one process share: its allocator, the objects it knows, and those that somebody waits for.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <cadre/detail/state/memory_domain.hpp>

#include "shm/arena.hpp"
#include "shm/object_table.hpp"
#include "shm/process_table.hpp"

namespace cadre::detail::shm {

class object_handle;

class plane_core {
public:
    plane_core(const region& memory, process_table& table);

    const region& memory;
    process_table& table;
    arena space;
    object_table objects;

    [[nodiscard]] bool stopped(std::uint32_t domain) const noexcept {
        return memory.header().domains[domain].load(std::memory_order_acquire) ==
               static_cast<std::uint32_t>(domain_state::stopped);
    }

    /// One object in this process for one object in shared memory: its coroutines wait in one queue. Finds it, or makes it
    /// by `make()` (a shared_ptr); `owned`: the handle came in a message, which had kept the object.
    /// @throws not_portable if the object is no more
    template <class Object, class Make>
    [[nodiscard]] std::shared_ptr<Object> find_or_make(object_ref o, bool owned, Make make) {
        const std::lock_guard hold(known_mutex_);
        const auto found = known_.find(o);
        auto object = found == known_.end() ? nullptr : std::static_pointer_cast<Object>(found->second.object.lock());
        if (object == nullptr) {
            object = make();
            known_.insert_or_assign(o, known{object, &object->side()});
        }
        if (owned) objects.arrive(o);
        return object;
    }
    /// That side of `o` goes.
    void forget(object_ref o, const object_handle* side) noexcept;

    /// `object` has, or may have, waiters: it is looked at when its ring bit is rung.
    void watch(unsigned ring_index, const std::weak_ptr<shared_object>& object);
    void unwatch(unsigned ring_index, const shared_object* object) noexcept;
    /// Looks again at the watched objects whose ring bits are set. Any thread.
    void retry_waiters(std::uint64_t ring_bits) noexcept;
    /// How many objects coroutines of this process wait for.
    std::atomic<int> waiting{0};

private:
    struct known {
        std::weak_ptr<shared_object> object;
        const object_handle* side = nullptr;
    };
    struct watched {
        std::weak_ptr<shared_object> object;
        const shared_object* address;
    };
    std::recursive_mutex known_mutex_;  // an object that could not be made is forgotten while it is looked for
    std::map<object_ref, known> known_;
    std::mutex watched_mutex_;
    std::vector<watched> watched_[64];
};

/// This process's share of one object: its presence, its interest, and ringing others.
class object_handle {
public:
    /// @throws not_portable if the object is no more; `fresh`: this process made it and is present already
    object_handle(plane_core& core, object_ref o, bool fresh);
    object_handle(const object_handle&) = delete;
    object_handle& operator=(const object_handle&) = delete;
    ~object_handle();

    [[nodiscard]] plane_core& core() const noexcept { return core_; }
    [[nodiscard]] object_ref ref() const noexcept { return ref_; }
    [[nodiscard]] object_entry& entry() const noexcept { return entry_; }
    [[nodiscard]] const object_data& data() const noexcept { return data_; }
    [[nodiscard]] bool stopped() const noexcept { return core_.stopped(data_.domain); }

    /// Writes the handle. With a context the sender keeps the object until the bytes were used (`keep_alive` holds it), and the
    /// name goes into a channel's message; without one, the bytes own a part of it.
    void encode(encoder& out, const std::weak_ptr<shared_object>& self) const;

    void interest(unsigned q, bool on) noexcept;
    [[nodiscard]] bool interested(unsigned q) const noexcept;
    [[nodiscard]] bool others_interested(unsigned q) const noexcept;
    [[nodiscard]] bool interested(unsigned q, unsigned slot) const noexcept;

    /// One of the other processes that wait in queue `q` looks again. One that is computing is told too, but not relied on.
    void ring_one(unsigned q) noexcept;
    void ring_each(unsigned q) noexcept;
    /// The next process, in turn, that waits in queue `q` and is not computing.
    [[nodiscard]] std::optional<process_id> next_waiting(unsigned q) noexcept;
    [[nodiscard]] std::uint64_t ring_bit() const noexcept { return std::uint64_t{1} << ref_.ring_index(); }

private:
    template <class F>
    void for_each_other(unsigned q, F f) noexcept;  // f returns whether to go on

    plane_core& core_;
    object_ref ref_;
    object_entry& entry_;
    object_data data_;
    unsigned words_;
    std::atomic<unsigned> turn_;
};

}  // namespace cadre::detail::shm
