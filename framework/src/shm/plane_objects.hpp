/// @file
/// Channels, locks, semaphores and blocks in shared memory, as one process sees them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include <cadre/detail/state/memory_domain.hpp>

#include "shm/channel_core.hpp"
#include "shm/lock_core.hpp"
#include "shm/plane_core.hpp"
#include "shm/semaphore_core.hpp"

namespace cadre::detail::shm {

/// The base of channels, locks and semaphores. `Interface` is one of shared_channel, process_lock, shared_semaphore.
///
/// A process that makes an operation possible retries the waiters of its own and rings one other process. A process
/// that stops waiting in a queue passes the ring on if an operation is still possible. So one ring is enough.
template <class Interface>
class plane_object : public Interface {
public:
    explicit plane_object(std::shared_ptr<object_handle> handle) noexcept : handle_(std::move(handle)) {}
    ~plane_object() override {
        if (watched_.object != nullptr) handle_->core().unwatch(handle_->ref().ring_index(), watched_);
    }
    void encode(encoder& out) const override { handle_->encode(out, self_); }
    [[nodiscard]] object_handle& handle() const noexcept { return *handle_; }
    /// Before first use. `self` owns this object.
    void set_self(const std::shared_ptr<shared_object>& self) noexcept { self_ = self; }

protected:
    /// Whether an operation of queue `q` may succeed now.
    [[nodiscard]] virtual bool ready(unsigned q) const noexcept = 0;
    /// The last waiter of this process has left queue `q`.
    virtual void on_no_waiters(unsigned) noexcept {}

    void interest(unsigned q, bool on) noexcept override {
        if (on && watched_.object == nullptr) {  // under the queue's lock
            watched_.object = &self_;
            handle_->core().watch(handle_->ref().ring_index(), watched_);
        }
        handle_->interest(q, on);
        if (on || !handle_->here()) return;
        on_no_waiters(q);
        pass_on(q);
    }
    /// After a sequentially consistent read-modify-write has made an operation of queue `q` possible.
    void wake(unsigned q) noexcept {
        if (handle_->interested(q)) this->retry_waiters();
        pass_on(q);
    }
    void wake_all(unsigned q) noexcept {
        if (handle_->interested(q)) this->retry_waiters();
        handle_->ring_each(q);
    }
    void pass_on(unsigned q) noexcept {
        if (handle_->others_interested(q) && handle_->needs_ring(q) && ready(q)) handle_->ring_one(q);
    }

    std::shared_ptr<object_handle> handle_;
    std::weak_ptr<shared_object> self_;

private:
    plane_core::watched watched_{};
};

class plane_channel final : public plane_object<shared_channel> {
public:
    explicit plane_channel(std::shared_ptr<object_handle> handle) noexcept;

    [[nodiscard]] op_status try_send(std::span<const std::byte> message, bool carries) noexcept override;
    [[nodiscard]] op_status try_receive(byte_buffer& into, held_objects* held) noexcept override;
    [[nodiscard]] std::size_t try_send_run(std::span<const std::byte> messages, std::size_t size) noexcept override;
    [[nodiscard]] std::size_t try_receive_run(std::span<std::byte> into, std::size_t size) noexcept override;
    [[nodiscard]] op_status try_send_memory(message_memory& message) noexcept override;
    [[nodiscard]] op_status try_receive_memory(message_memory& into) noexcept override;
    [[nodiscard]] bool may_proceed(unsigned q) const noexcept override { return handle_->stopped() || ready(q); }
    void close() noexcept override;
    [[nodiscard]] bool closed() const noexcept override { return core_.closed(); }
    [[nodiscard]] std::size_t size() const noexcept override { return core_.size(); }
    [[nodiscard]] std::size_t capacity() const noexcept override { return handle_->data().parameter; }
    /// Spins first in a stream of messages, while another process runs on another processor.
    [[nodiscard]] bool park(pending_operation& p) noexcept override;

private:
    static constexpr unsigned receivers = 0;
    static constexpr unsigned senders = 1;
    [[nodiscard]] bool ready(unsigned q) const noexcept override {
        return q == receivers ? core_.may_receive() : core_.may_send() != op_status::would_block;
    }
    [[nodiscard]] op_status enqueue(std::span<const std::byte> message, bool carries) noexcept;
    [[nodiscard]] op_status enqueue_carrier(std::span<const std::byte> message) noexcept;
    /// After an attempt to receive: wakes the waiters whose operations it has made possible.
    void after_receive(op_status a, unsigned skipped) noexcept;
    void hold_carried(byte_buffer& message, handle_names& names, held_objects& held);
    /// An operation of queue `q` has not waited.
    void count(unsigned q) noexcept {
        streak_[q].store(streak_[q].load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

    /// Whether the last operations of queue `q` have not waited.
    [[nodiscard]] bool in_stream(unsigned q) const noexcept {
        constexpr unsigned min_streak = 8;
        return streak_[q].load(std::memory_order_relaxed) >= min_streak;
    }

    channel_core<> core_;
    // By queue, about how many operations in a row have not waited: threads that count at the same time may lose some.
    std::atomic<unsigned> streak_[2]{};
};

// Unlocks in a row without hand-over while other processes wait.
inline constexpr unsigned max_barging = 16;

enum class hand_over_result : std::uint8_t {
    no_taker,  ///< no other process waits that could take the lock: it is still held
    granted,
    revoked,  ///< the chosen process does not take the lock: it is free
};
/// Grants a lock that this process holds to another process that waits in queue 0.
hand_over_result hand_over(object_handle& handle, lock_core<>& core) noexcept;

class plane_lock final : public plane_object<process_lock> {
public:
    explicit plane_lock(std::shared_ptr<object_handle> handle) noexcept;

    [[nodiscard]] op_status try_lock(bool& owner_died) noexcept override;
    void unlock() noexcept override;
    /// Spins first while the holder runs on another processor.
    [[nodiscard]] bool park(pending_operation& p) noexcept override;

private:
    [[nodiscard]] bool ready(unsigned) const noexcept override { return core_.available(); }
    void on_no_waiters(unsigned) noexcept override { core_.revoke_grant(handle_->core().table.self()); }

    lock_core<> core_;
    std::atomic<unsigned> barged_{0};
};

class plane_semaphore final : public plane_object<shared_semaphore> {
public:
    /// @throws std::bad_alloc
    explicit plane_semaphore(std::shared_ptr<object_handle> handle);

    [[nodiscard]] op_status try_acquire(std::uint32_t n) noexcept override;
    void give_back(std::uint32_t n) noexcept override;
    void forget(std::uint32_t n) noexcept override;
    [[nodiscard]] bool release(std::uint32_t n) noexcept override;
    [[nodiscard]] std::uint32_t available() const noexcept override { return core_.available(); }

private:
    [[nodiscard]] bool ready(unsigned) const noexcept override { return core_.available() != 0; }
    void on_no_waiters(unsigned) noexcept override;
    void wake_waiters() noexcept;

    std::mutex mutex_;  // waiters are woken without it; serialises acquire, give_back and forget in this process
    semaphore_core<> core_;
};

class plane_block final : public plane_object<shared_block> {
public:
    explicit plane_block(std::shared_ptr<object_handle> handle) noexcept
        : plane_object(handle), lock_(std::move(handle)) {}

    [[nodiscard]] void* data() noexcept override { return handle_->data().data; }
    [[nodiscard]] std::size_t size() const noexcept override { return handle_->data().size; }
    /// The lock keeps the block alive.
    [[nodiscard]] std::shared_ptr<process_lock> lock() override { return {self_.lock(), &lock_}; }
    [[nodiscard]] op_status alive() const noexcept override {
        return handle_->stopped() ? op_status::stopped : op_status::done;
    }
    void notify() noexcept override {
        if (handle_->here()) wake_all(changes);
    }

    void set_self(const std::shared_ptr<shared_object>& self) noexcept {
        plane_object::set_self(self);
        lock_.set_self(std::shared_ptr<shared_object>(self, &lock_));
    }

private:
    // A change is announced to every process, so no ring is passed on.
    [[nodiscard]] bool ready(unsigned) const noexcept override { return false; }

    plane_lock lock_;
};

/// The object of this process for any object in shared memory. @throws not_portable if it no longer exists
[[nodiscard]] std::shared_ptr<shared_object> find_object(plane_core& core, object_ref o);

}  // namespace cadre::detail::shm
