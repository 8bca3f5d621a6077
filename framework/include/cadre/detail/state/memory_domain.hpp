/// @file
/// The memory in which an executor's channels, cells and locks live: the heap of this process, or memory that
/// processes share.
///
/// One handle type (`channel<T>`, `shared_value<T>`, …) serves both: the handle holds an object made by the domain.
/// Operations on these objects never block. A waiting coroutine is queued privately in its own process, in the object.
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
class message_memory;
class message_pool;

/// The result of an operation on a shared object.
enum class op_status : std::uint8_t {
    done,
    would_block,  ///< possible later: `park` waits for that
    closed,  ///< the channel is closed (and, for receive, drained)
    stopped,  ///< the object's executor has shut down
    broken,  ///< the object is inconsistent: another process has damaged it
    exhausted,  ///< there is no memory left for the message
    foreign,  ///< the message carries a handle of an object that other channels cannot carry
};

class memory_domain;

/// One process's view of a channel, lock, semaphore or block. Handles share its ownership; with the last handle in the
/// process the process's reference to the object ends. Thread-safe.
class shared_object {
public:
    virtual ~shared_object() = default;
    /// Writes the name by which another process finds the object. With a context, the context keeps the object alive;
    /// without one the bytes own a reference and have to be decoded once.
    virtual void encode(encoder& out) const = 0;

    /// A waiting coroutine of this process. `retry_waiters` tries the operations of a queue in the order of arrival,
    /// until one would block.
    struct pending_operation : waiter {
        /// Tries the operation; anything but would_block finishes the wait. Called with the queue's lock held.
        op_status (*try_now)(pending_operation&) noexcept = nullptr;
        /// Reverts what the wait has done so far, for a stop request. Null: nothing to revert. Called with the queue's
        /// lock held.
        /// @return false if it is too late: then `outcome` is set, and the wait ends with it instead of `cancelled`
        bool (*withdraw)(pending_operation&) noexcept = nullptr;
        op_status outcome = op_status::would_block;
        shared_object* object = nullptr;
        unsigned queue = 0;
        /// Whether it may complete although an earlier waiter of its queue cannot. All operations of one queue agree.
        bool independent = false;
    };
    /// Queues `p`, which is prepared and has `object`, `queue` and `try_now` set. If no earlier waiter goes first,
    /// publishes the interest of this process and tries once more, so that no wake-up is lost; if that does not block,
    /// `p.outcome` is the result.
    /// @return true if `p` was queued
    [[nodiscard]] virtual bool park(pending_operation& p) noexcept;
    /// Whether a new operation of queue `q` parks without trying first: a coroutine of this process waits, and keeps
    /// its place in the order of arrival; or the object lives in another process, which is asked once.
    [[nodiscard]] bool has_waiters(unsigned q) const noexcept {
        return waiting_[q].load(std::memory_order_acquire) != 0;
    }
    /// Whether a coroutine of this process waits in queue `q`: an operation that does not wait then fails.
    [[nodiscard]] bool has_waiting_tasks(unsigned q) const noexcept {
        return (waiting_[q].load(std::memory_order_acquire) & ~parks_first) != 0;
    }
    /// Removes a waiter on a stop request. For `waiter::prepare`.
    static void cancel(waiter& w) noexcept;
    /// Removes `p`, which is not finished. @return false if it is not queued any more: it has been or is being finished
    [[nodiscard]] virtual bool remove(pending_operation& p) noexcept;
    /// Tries the operations of all waiters of this process again. Any thread, also from inside `try_now`. The caller
    /// keeps the object alive.
    void retry_waiters() noexcept;

protected:
    /// For an object that lives in another process: operations that may wait park at once.
    void always_park() noexcept {
        for (auto& w : waiting_)
            w.store(parks_first, std::memory_order_relaxed);
    }
    /// `cancel` for this kind of object.
    virtual void cancel_wait(pending_operation& p) noexcept;
    /// Publishes or clears this process's interest in queue `q`; full fence.
    virtual void interest(unsigned q, bool on) noexcept = 0;
    /// A waiter has withdrawn, which may have made operations of others possible. Called without the queue's lock.
    virtual void withdrawn() noexcept {}

private:
    static constexpr std::uint32_t parks_first = std::uint32_t{1} << 31;

    void serve() noexcept;
    /// As `remove`. `reverted`: what `p.withdraw` returns
    [[nodiscard]] bool dequeue(pending_operation& p, bool& reverted) noexcept;

    // Under it: `try_now` and `interest`, which call back no more than `retry_waiters`, and that serves after the lock.
    // Waiters are finished without it.
    std::mutex mutex_;
    wait_list queues_[2];
    std::atomic<std::uint32_t> waiting_[2]{};  // lengths of queues_; changed under mutex_ (acq_rel), read with acquire
    // Unserved calls of retry_waiters. Any thread increments it (acq_rel), `park` under mutex_; the thread that makes
    // it non-zero serves, and subtracts what it has served until it is 0.
    std::atomic<std::uint32_t> retry_requests_{0};
};

/// Keeps the objects of received handles until the handles are decoded.
using held_objects = std::vector<std::shared_ptr<const void>>;

/// The largest capacity of a channel, the same on every kind of executor: as many cells as a channel in shared memory
/// numbers.
inline constexpr std::size_t max_channel_capacity = std::size_t{1} << 30;

/// A bounded queue of messages between processes. Queue 0: receivers, 1: senders.
class shared_channel : public shared_object {
public:
    /// `carries`: the message ends with the names of the handles in it (see channel_message.hpp). Their objects live as
    /// long as the message is queued; the caller keeps them until this returns.
    [[nodiscard]] virtual op_status try_send(std::span<const std::byte> message, bool carries = false) noexcept = 0;
    /// `held` gets the objects of the handles in the message.
    [[nodiscard]] virtual op_status try_receive(byte_buffer& into, held_objects* held = nullptr) noexcept = 0;
    /// Sends the first of the messages of `size` bytes each that follow each other in `messages`, without waiting: all
    /// become visible at once or one by one, in order. @return how many; if none, `try_send` knows why
    [[nodiscard]] virtual std::size_t try_send_run(std::span<const std::byte> /*messages*/,
                                                   std::size_t /*size*/) noexcept {
        return 0;
    }
    /// Receives messages that are there, if they have `size` bytes and no handles. @return how many; if none,
    /// `try_receive` knows why
    [[nodiscard]] virtual std::size_t try_receive_run(std::span<std::byte> /*into*/, std::size_t /*size*/) noexcept {
        return 0;
    }
    /// Sends a message without handles; without a copy if it is in the memory of this channel. `done`: `message` has no
    /// bytes any more; else it is unchanged.
    [[nodiscard]] virtual op_status try_send_memory(message_memory& message) noexcept;
    /// Receives a message without handles, if possible without a copy.
    [[nodiscard]] virtual op_status try_receive_memory(message_memory& into) noexcept;
    /// Whether an operation of queue `q` would not block now.
    [[nodiscard]] virtual bool may_proceed(unsigned q) const noexcept = 0;
    virtual void close() noexcept = 0;
    [[nodiscard]] virtual bool closed() const noexcept = 0;
    [[nodiscard]] virtual std::size_t size() const noexcept = 0;
    [[nodiscard]] virtual std::size_t capacity() const noexcept = 0;
};

/// A mutual-exclusion lock between processes, owned by a coroutine (any thread of the owning process may unlock).
class process_lock : public shared_object {
public:
    /// `owner_died`: whether the process of the previous owner died while it held the lock.
    [[nodiscard]] virtual op_status try_lock(bool& owner_died) noexcept = 0;
    virtual void unlock() noexcept = 0;

    /// The coroutine that holds the lock, if that is known: it would wait for itself. Code without `NDEBUG` sets it,
    /// for a guard that has stayed where the lock was awaited.
    void set_holder(const void* frame) noexcept { holder_.store(frame, std::memory_order_relaxed); }
    /// Writes only if a holder is known: sharers of a lock would take the cache line from each other.
    void forget_holder() noexcept {
        if (holder_.load(std::memory_order_relaxed) != nullptr) set_holder(nullptr);
    }
    [[nodiscard]] bool held_by(const void* frame) const noexcept {
        return holder_.load(std::memory_order_relaxed) == frame;
    }

private:
    std::atomic<const void*> holder_{nullptr};
};

/// A lock that is held by one owner or by any number of sharers. All its waiters are in queue 0.
class process_shared_lock : public process_lock {
public:
    /// `owner_died`: as for `try_lock`. Sharers get true until an owner has had the lock.
    [[nodiscard]] virtual op_status try_lock_shared(bool& owner_died) noexcept = 0;
    virtual void unlock_shared() noexcept = 0;
    /// Tries for a waiter, which may claim the lock: then no other process enters until the waiter has, or has
    /// withdrawn.
    [[nodiscard]] virtual op_status try_lock_waiting(bool& claimed, bool& owner_died) noexcept = 0;
    /// A waiter that has claimed the lock withdraws.
    virtual void unclaim() noexcept = 0;
};

/// Waiters that are notified, in queue 0. Each notification is for one waiter.
class shared_condition : public shared_object {
public:
    /// Counts a waiter of this process, which parks next.
    virtual void enter() noexcept = 0;
    /// Takes a notification for a waiter, which is no longer counted.
    [[nodiscard]] virtual op_status try_take() noexcept = 0;
    /// Removes a waiter from the count. @return false if it was notified, and has taken the notification
    [[nodiscard]] virtual bool withdraw() noexcept = 0;
    /// Notifies up to `count` waiters, of any process.
    virtual void notify(std::uint32_t count) noexcept = 0;
};

/// A counting semaphore; permits of a process that dies are freed. Each `n` is positive.
class shared_semaphore : public shared_object {
public:
    /// Acquires `n` permits or none.
    [[nodiscard]] virtual op_status try_acquire(std::uint32_t n) noexcept = 0;
    /// Returns `n` permits that this process acquired.
    virtual void give_back(std::uint32_t n) noexcept = 0;
    /// Removes `n` permits that this process acquired from those that exist.
    virtual void forget(std::uint32_t n) noexcept = 0;
    /// Adds `n` free permits. @return false, without effect, if more than 2^32-1 permits would exist
    [[nodiscard]] virtual bool release(std::uint32_t n) noexcept = 0;
    [[nodiscard]] virtual std::uint32_t available() const noexcept = 0;
};

class shared_block;
/// An operation on the bytes of a block that another process can name: see cell_operation.hpp.
using cell_function = op_status (*)(shared_block& block, std::span<std::byte> state, bool withdraw) noexcept;

/// A block of plain memory, initially zero, the same bytes in every process, a lock, and waiters for changes of the
/// bytes. The waiters are independent operations in queue `changes`, each with a condition on the bytes: see
/// block_operation.hpp.
class shared_block : public shared_object {
public:
    static constexpr unsigned changes = 1;  // in shared memory queue 0 is the lock's

    [[nodiscard]] virtual void* data() noexcept = 0;
    [[nodiscard]] virtual std::size_t size() const noexcept = 0;
    [[nodiscard]] virtual std::shared_ptr<process_lock> lock() = 0;
    /// `stopped` after the shutdown of the executor; else `done`.
    [[nodiscard]] virtual op_status alive() const noexcept = 0;
    /// After a sequentially consistent change of the bytes: all waiters, of every process, check their conditions.
    virtual void notify() noexcept = 0;

    /// Whether the bytes are in another process. Then `data` is a copy, which is up to date while this process holds
    /// the lock; what is changed meanwhile is written back when the lock is released. Everything else is done by
    /// `perform`, where the bytes are.
    [[nodiscard]] bool elsewhere() const noexcept { return elsewhere_; }
    /// Performs a named operation where the bytes are, and reads its state back. Blocks for one round trip. Only if
    /// the bytes are elsewhere.
    [[nodiscard]] virtual op_status perform(cell_function /*operation*/, std::span<std::byte> /*state*/) noexcept {
        return op_status::broken;
    }
    /// The same without an answer: before all that this process does with the domain afterwards.
    virtual void perform_later(cell_function /*operation*/, std::span<std::byte> /*state*/) noexcept {}
    /// Writes the copy of a new block to where the bytes are. No effect if they are here.
    [[nodiscard]] virtual op_status write_back() noexcept { return op_status::done; }

protected:
    explicit shared_block(bool elsewhere = false) noexcept : elsewhere_(elsewhere) {}

private:
    const bool elsewhere_;
};

class object_registry;

/// Makes and finds the objects of one executor. `make_*` throw std::bad_alloc when its memory is exhausted,
/// executor_stopped after shutdown. `take_*` read what `encode` wrote, in any process of the domain, and throw
/// not_portable or codec errors. Thread-safe.
class memory_domain {
public:
    virtual ~memory_domain() = default;

    /// The number by which processes name a domain that they share.
    [[nodiscard]] virtual std::uint32_t id() const noexcept { return 0; }

    /// The memory of messages that channels of this domain pass on without a copy; null: there is none.
    [[nodiscard]] virtual message_pool* messages() { return nullptr; }

    [[nodiscard]] virtual std::shared_ptr<process_lock> make_lock() = 0;
    [[nodiscard]] virtual std::shared_ptr<process_shared_lock> make_shared_lock() = 0;
    [[nodiscard]] virtual std::shared_ptr<shared_condition> make_condition() = 0;
    [[nodiscard]] virtual std::shared_ptr<shared_semaphore> make_semaphore(std::uint32_t permits) = 0;
    [[nodiscard]] virtual std::shared_ptr<shared_block> make_block(std::size_t size, std::size_t alignment) = 0;
    /// A block for a cell, an event, a latch or a barrier, whose bytes may be elsewhere. The alignment is at most
    /// `cell_alignment`, unless the bytes are here.
    [[nodiscard]] virtual std::shared_ptr<shared_block> make_cell(std::size_t size, std::size_t alignment) {
        return make_block(size, alignment);
    }

    /// The registry for objects that cannot leave this process; null in a domain that processes share. A channel of a
    /// local executor carries typed values and is made by its handle: see channel_local.hpp.
    [[nodiscard]] virtual std::shared_ptr<object_registry> local_objects() noexcept { return nullptr; }

    // Only in a domain that processes share; elsewhere these throw not_portable.
    [[nodiscard]] virtual std::shared_ptr<shared_channel> make_channel(std::size_t capacity);
    [[nodiscard]] virtual std::shared_ptr<shared_channel> take_channel(decoder& in);
    [[nodiscard]] virtual std::shared_ptr<process_lock> take_lock(decoder& in);
    [[nodiscard]] virtual std::shared_ptr<process_shared_lock> take_shared_lock(decoder& in);
    [[nodiscard]] virtual std::shared_ptr<shared_condition> take_condition(decoder& in);
    [[nodiscard]] virtual std::shared_ptr<shared_semaphore> take_semaphore(decoder& in);
    [[nodiscard]] virtual std::shared_ptr<shared_block> take_block(decoder& in);
    [[nodiscard]] virtual std::shared_ptr<shared_block> take_cell(decoder& in) { return take_block(in); }
};

/// The domain of the shared memory that all processes of this program map; null before `runtime` starts, or without
/// shared memory. Handles decoded in any process of the program find their objects through it.
[[nodiscard]] memory_domain* program_domain() noexcept;
void set_program_domain(memory_domain* domain) noexcept;

}  // namespace cadre::detail
