/// @file
/// Where an executor's channels, cells and locks live: the heap of this process, or memory shared by its processes.
///
/// One handle type (`channel<T>`, `shared_value<T>`, …) serves both: the handle holds an object made here. A waiting
/// coroutine is queued privately in its own process, in the object's `waiters`; the objects below only *try*.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include <cadre/detail/base/byte_buffer.hpp>
#include <cadre/detail/coroutine/waiter.hpp>

namespace cadre::detail {

class encoder;
class decoder;

/// How an attempt on a shared object ended.
enum class op_status : std::uint8_t {
    done,
    would_block,  ///< wait and try again when told to look
    closed,       ///< the channel is closed (and, for receive, drained)
    stopped,      ///< the object's executor has shut down
    broken,       ///< shared memory holds something impossible: another process misbehaved
    exhausted,    ///< there is no memory left for the message
};

class memory_domain;

/// This process's side of one object in shared memory. Handles hold it by shared_ptr; the last one in the process
/// gives up the process's presence bit.
class shared_object {
public:
    virtual ~shared_object() = default;
    /// Writes what another process needs to find the object. With a context, that keeps the object; else the bytes own a
    /// presence of it, and have to be decoded once.
    virtual void encode(encoder& out) const = 0;

    /// Coroutines of this process that wait for the object. `retry_waiters` tries on behalf of each, first come first
    /// served, until one would block.
    struct pending_operation : waiter {
        /// Tries the operation; anything but would_block finishes the wait. Called with the queue's lock held.
        op_status (*try_now)(pending_operation&) noexcept = nullptr;
        op_status outcome = op_status::would_block;
        shared_object* object = nullptr;
        unsigned queue = 0;
    };
    /// Queues `p` (prepared, with `object`, `queue` and `try_now` set) unless nobody waits before it and an attempt
    /// ends right now (then `p.outcome` says how). Tells the object that this process is interested, and re-tries after
    /// telling (lost wake-up).
    /// @return true if it was queued
    [[nodiscard]] bool park(pending_operation& p) noexcept;
    /// Whether a coroutine of this process waits in queue `q`: a newcomer then parks behind it without an attempt of
    /// its own, so that waiters are served first come first served.
    [[nodiscard]] bool has_waiters(unsigned q) const noexcept {
        return waiting_[q].load(std::memory_order_acquire) != 0;
    }
    /// A stop request: takes `p` out. For `waiter::prepare`.
    static void cancel(waiter& w) noexcept;
    /// Tries again for everyone who waits in this process. Any thread, also from inside an attempt. The caller keeps the
    /// object alive meanwhile.
    void retry_waiters() noexcept;

protected:
    /// Publishes (or withdraws) this process's interest in queue `q`; full fence.
    virtual void interest(unsigned q, bool on) noexcept = 0;

private:
    void serve() noexcept;

    std::mutex mutex_;
    wait_list queues_[2];
    std::atomic<std::uint32_t> waiting_[2]{};  // lengths of queues_, written under mutex_
    std::atomic<std::uint32_t> retry_requests_{0};  // requests to look; who makes it non-zero serves them all
};

/// What keeps the objects of received handles until these were decoded.
using held_objects = std::vector<std::shared_ptr<const void>>;

/// A bounded queue of messages between processes. Queue 0: receivers, 1: senders.
class shared_channel : public shared_object {
public:
    /// `carries`: the message ends with the names of the handles in it (see channel_message.hpp), whose objects live as long as
    /// it is queued. The caller keeps them until this returns.
    [[nodiscard]] virtual op_status try_send(std::span<const std::byte> message, bool carries = false) noexcept = 0;
    /// The objects of handles in the message go into `held`.
    [[nodiscard]] virtual op_status try_receive(byte_buffer& into, held_objects* held = nullptr) noexcept = 0;
    virtual void close() noexcept = 0;
    [[nodiscard]] virtual bool closed() const noexcept = 0;
    [[nodiscard]] virtual std::size_t size() const noexcept = 0;
    [[nodiscard]] virtual std::size_t capacity() const noexcept = 0;
};

/// A mutual-exclusion lock between processes, owned by a coroutine (any thread of the owning process may unlock).
class process_lock : public shared_object {
public:
    /// `owner_died` tells that the previous owner's process died holding it.
    [[nodiscard]] virtual op_status try_lock(bool& owner_died) noexcept = 0;
    virtual void unlock() noexcept = 0;
};

/// A counting semaphore; permits held by a process that dies come back.
class shared_semaphore : public shared_object {
public:
    [[nodiscard]] virtual op_status try_acquire() noexcept = 0;
    /// Gives back `n` permits that this process acquired.
    virtual void give_back(std::uint32_t n) noexcept = 0;
    /// Adds `n` free permits.
    virtual void release(std::uint32_t n) noexcept = 0;
    [[nodiscard]] virtual std::uint32_t available() const noexcept = 0;
};

/// A block of plain memory, zeroed at first; the same bytes in every process. With a lock beside it.
class shared_block : public shared_object {
public:
    [[nodiscard]] virtual void* data() noexcept = 0;
    [[nodiscard]] virtual std::size_t size() const noexcept = 0;
    [[nodiscard]] virtual std::shared_ptr<process_lock> lock() = 0;
};

class object_registry;

/// Makes and finds the objects of one executor. `make_*` throw std::bad_alloc when its memory is exhausted,
/// executor_stopped after shutdown. `take_*` read what `encode` wrote, in any process of the domain, and throw
/// not_portable or codec errors. Thread-safe.
class memory_domain {
public:
    virtual ~memory_domain() = default;

    [[nodiscard]] virtual std::shared_ptr<process_lock> make_lock() = 0;
    [[nodiscard]] virtual std::shared_ptr<shared_semaphore> make_semaphore(std::uint32_t permits) = 0;
    [[nodiscard]] virtual std::shared_ptr<shared_block> make_block(std::size_t size, std::size_t alignment) = 0;

    /// The registry for objects that cannot leave this process; null in a domain that processes share. A channel of a
    /// local executor carries typed values and is made by its handle: see channel_local.hpp.
    [[nodiscard]] virtual std::shared_ptr<object_registry> local_objects() noexcept { return nullptr; }

    // Only in a domain that processes share; elsewhere these throw not_portable.
    [[nodiscard]] virtual std::shared_ptr<shared_channel> make_channel(std::size_t capacity);
    [[nodiscard]] virtual std::shared_ptr<shared_channel> take_channel(decoder& in);
    [[nodiscard]] virtual std::shared_ptr<process_lock> take_lock(decoder& in);
    [[nodiscard]] virtual std::shared_ptr<shared_semaphore> take_semaphore(decoder& in);
    [[nodiscard]] virtual std::shared_ptr<shared_block> take_block(decoder& in);
};

/// The domain of the shared memory that all processes of this program map; null before `runtime` starts, or without shared
/// memory. Handles decoded in any process of the program find their objects through it.
[[nodiscard]] memory_domain* program_domain() noexcept;
void set_program_domain(memory_domain* domain) noexcept;

}  // namespace cadre::detail
