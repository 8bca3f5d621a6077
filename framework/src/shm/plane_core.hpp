/// @file
/// The state plane of one process: its arena, the objects that it knows and those that its coroutines wait for.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include <cadre/detail/base/intrusive_list.hpp>
#include <cadre/detail/state/memory_domain.hpp>

#include "base/process_owner.hpp"
#include "shm/arena.hpp"
#include "shm/message_blocks.hpp"
#include "shm/object_table.hpp"
#include "shm/process_table.hpp"
#include "shm/slot_set.hpp"

namespace cadre::detail::shm {

class object_handle;

class plane_core {
public:
    plane_core(const region& memory, process_table& table, program_id program);

    const region& memory;
    process_table& table;
    const program_id program;
    arena space;
    message_blocks messages;
    object_table objects;
    const process_owner owner{};  // a fork has no part in the plane of its parent

    /// In a fork every domain is stopped. The parent does not read this from memory that its workers can overwrite.
    [[nodiscard]] bool stopped(std::uint32_t domain) const noexcept {
        if (stopped_domains_ != nullptr)
            return !owner.here() || stopped_domains_[domain].load(std::memory_order_acquire);
        return !owner.here() || memory.header().domains[domain].load(std::memory_order_acquire) ==
                                    static_cast<std::uint32_t>(domain_state::stopped);
    }

    /// The one object in this process for an object in shared memory, so that all coroutines of the process wait in one
    /// queue. Finds it, or makes it by `make()` (a shared_ptr). `owned`: the encoded handle owned a reference, which
    /// ends here.
    /// @throws not_portable if the object no longer exists
    template <class Object, class Make>
    [[nodiscard]] std::shared_ptr<Object> find_or_make(object_ref o, bool owned, Make make) {
        const std::lock_guard hold(known_mutex_);
        const auto found = known_.find(o);
        auto object = found == known_.end() ? nullptr : std::static_pointer_cast<Object>(found->second.object.lock());
        if (object == nullptr) {
            object = make();
            known_.insert_or_assign(o, known{object, &object->handle()});
        }
        if (owned) objects.end_transit(o);
        return object;
    }
    /// Parent: the domain is stopped from now on.
    void stop(std::uint32_t domain) noexcept;

    /// `handle` is being destroyed.
    void forget(object_ref o, const object_handle* handle) noexcept;

    /// An object whose waiters are retried when its ring bit is set; a member of the object.
    struct watched {
        list_links<watched> links{};
        const std::weak_ptr<shared_object>* object = nullptr;
    };
    void watch(unsigned ring_index, watched& w) noexcept;
    void unwatch(unsigned ring_index, watched& w) noexcept;
    /// Retries the waiters of all watched objects whose ring bits are set. Any thread.
    void retry_waiters(std::uint64_t ring_bits) noexcept;
    /// The number of queues in which coroutines of this process wait.
    std::atomic<int> waiting{0};

private:
    struct known {
        std::weak_ptr<shared_object> object;
        const object_handle* handle = nullptr;
    };
    std::unique_ptr<std::atomic<bool>[]> stopped_domains_;  // in the parent
    std::recursive_mutex known_mutex_;  // recursive: `make` may destroy a handle, which calls `forget`
    std::map<object_ref, known> known_;
    std::mutex watched_mutex_;
    intrusive_list<watched, &watched::links> watched_[64];
};

/// One process's part of an object: its reference, its interest, and the rings to other processes.
class object_handle {
public:
    /// `fresh`: this process made the object and has a reference already.
    /// @throws not_portable if the object no longer exists
    object_handle(plane_core& core, object_ref o, bool fresh);
    object_handle(const object_handle&) = delete;
    object_handle& operator=(const object_handle&) = delete;
    ~object_handle();

    [[nodiscard]] plane_core& core() const noexcept { return core_; }
    [[nodiscard]] object_ref ref() const noexcept { return ref_; }
    [[nodiscard]] object_entry& entry() const noexcept { return entry_; }
    [[nodiscard]] const object_data& data() const noexcept { return data_; }
    /// Null in a region without far slots.
    [[nodiscard]] far_record* far() const noexcept { return far_; }
    [[nodiscard]] bool stopped() const noexcept { return core_.stopped(data_.domain); }
    [[nodiscard]] bool here() const noexcept { return core_.owner.here(); }

    /// Writes the handle. With a context, `keep_alive` keeps the object until the bytes are used, and the name is added
    /// to the channel's message. Without a context the bytes own a reference.
    void encode(encoder& out, const std::weak_ptr<shared_object>& self) const;

    /// Sets or clears this process's interest in queue `q`. Sequentially consistent.
    void interest(unsigned q, bool on) noexcept;
    [[nodiscard]] bool interested(unsigned q) const noexcept;
    [[nodiscard]] bool others_interested(unsigned q) const noexcept;
    [[nodiscard]] bool interested(unsigned q, unsigned slot) const noexcept;

    /// Rings other processes that wait in queue `q`, in turn, until one of them retries soon. Busy ones are rung in
    /// passing.
    void ring_one(unsigned q) noexcept;
    void ring_each(unsigned q) noexcept;
    /// Whether `ring_one` would change anything: not if those that it would ring have not polled an earlier ring yet.
    [[nodiscard]] bool needs_ring(unsigned q) noexcept;
    /// Calls `f(slot)` for the other processes that wait in queue `q`, in turn, until it returns false.
    template <class F>
    void for_each_waiting(unsigned q, F f) noexcept {
        visit_waiting(q, [](void* context, unsigned slot) { return (*static_cast<F*>(context))(slot); }, &f);
    }
    /// The next process, in turn, that waits in queue `q` and is not busy. The parent counts as not busy.
    [[nodiscard]] std::optional<process_id> next_waiting(unsigned q) noexcept;
    [[nodiscard]] std::uint64_t ring_bit() const noexcept { return std::uint64_t{1} << ref_.ring_index(); }

private:
    [[nodiscard]] slot_set waiting(unsigned q) const noexcept {
        return {entry_.interest[q], far_ != nullptr ? far_->interest[q] : nullptr};
    }
    void visit_waiting(unsigned q, bool (*f)(void* context, unsigned slot), void* context) noexcept;
    template <class F>
    void for_each_other(unsigned q, F f) noexcept;  // until f returns false

    plane_core& core_;
    object_ref ref_;
    object_entry& entry_;
    far_record* far_;
    object_data data_;
    std::atomic<unsigned> next_slot_;  // the slot that is tried first
};

}  // namespace cadre::detail::shm
