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

/// What they have in common. `Interface` is one of shared_channel, process_lock, shared_semaphore.
///
/// Who makes an attempt possible wakes the waiters of its own process by looking again itself, and one other process. A
/// process that stops waiting in a queue passes the ring on if there is still something to be had: so one ring is enough.
template <class Interface>
class plane_object : public Interface {
public:
    explicit plane_object(std::shared_ptr<object_handle> side) noexcept : side_(std::move(side)) {}
    ~plane_object() override {
        if (watched_) side_->core().unwatch(side_->ref().ring_index(), this);
    }
    void encode(encoder& out) const override { side_->encode(out, self_); }
    [[nodiscard]] object_handle& side() const noexcept { return *side_; }
    /// Before first use: what keeps this object alive.
    void set_self(const std::shared_ptr<shared_object>& self) noexcept { self_ = self; }

protected:
    /// Whether an attempt of queue `q` may succeed now.
    [[nodiscard]] virtual bool ready(unsigned q) const noexcept = 0;
    /// Nobody in this process waits any more.
    virtual void left(unsigned) noexcept {}

    void interest(unsigned q, bool on) noexcept override {
        if (on && !watched_) {  // under the queue's lock
            watched_ = true;
            side_->core().watch(side_->ref().ring_index(), self_);
        }
        side_->interest(q, on);
        if (on) return;
        left(q);
        pass_on(q);
    }
    /// After something was made possible for queue `q`, by a sequentially consistent read-modify-write.
    void wake(unsigned q) noexcept {
        if (side_->interested(q)) this->retry_waiters();
        pass_on(q);
    }
    void wake_all(unsigned q) noexcept {
        if (side_->interested(q)) this->retry_waiters();
        side_->ring_each(q);
    }
    void pass_on(unsigned q) noexcept {
        if (side_->others_interested(q) && ready(q)) side_->ring_one(q);
    }

    std::shared_ptr<object_handle> side_;
    std::weak_ptr<shared_object> self_;

private:
    bool watched_ = false;
};

class plane_channel final : public plane_object<shared_channel> {
public:
    explicit plane_channel(std::shared_ptr<object_handle> side) noexcept;

    [[nodiscard]] op_status try_send(std::span<const std::byte> message, bool carries) noexcept override;
    [[nodiscard]] op_status try_receive(byte_buffer& into, held_objects* held) noexcept override;
    void close() noexcept override;
    [[nodiscard]] bool closed() const noexcept override { return core_.closed(); }
    [[nodiscard]] std::size_t size() const noexcept override { return core_.size(); }
    [[nodiscard]] std::size_t capacity() const noexcept override { return side_->data().parameter; }

private:
    static constexpr unsigned receivers = 0;
    static constexpr unsigned senders = 1;
    [[nodiscard]] bool ready(unsigned q) const noexcept override {
        return q == receivers ? core_.may_receive() : core_.may_send() != op_status::would_block;
    }
    [[nodiscard]] op_status place(std::span<const std::byte> message, bool carries) noexcept;
    [[nodiscard]] op_status place_carrier(std::span<const std::byte> message) noexcept;
    void keep(byte_buffer& message, handle_names& names, held_objects& held);

    channel_core<> core_;
};

class plane_lock final : public plane_object<process_lock> {
public:
    explicit plane_lock(std::shared_ptr<object_handle> side) noexcept;

    [[nodiscard]] op_status try_lock(bool& owner_died) noexcept override;
    void unlock() noexcept override;

private:
    // While others wait, so many times in a row the lock goes to whoever comes first.
    static constexpr unsigned max_barging = 16;

    [[nodiscard]] bool ready(unsigned) const noexcept override { return core_.available(); }
    void left(unsigned) noexcept override { core_.decline(side_->core().table.self()); }
    [[nodiscard]] bool hand_over() noexcept;

    lock_core<> core_;
    std::atomic<unsigned> barged_{0};
};

class plane_semaphore final : public plane_object<shared_semaphore> {
public:
    explicit plane_semaphore(std::shared_ptr<object_handle> side) noexcept;

    [[nodiscard]] op_status try_acquire() noexcept override;
    void give_back(std::uint32_t n) noexcept override;
    void release(std::uint32_t n) noexcept override;
    [[nodiscard]] std::uint32_t available() const noexcept override { return core_.available(); }

private:
    [[nodiscard]] bool ready(unsigned) const noexcept override { return core_.available() != 0; }

    std::mutex mutex_;  // one operation of this process at a time
    semaphore_core<> core_;
};

class plane_block final : public shared_block {
public:
    explicit plane_block(std::shared_ptr<object_handle> side) noexcept : side_(side), lock_(std::move(side)) {}

    void encode(encoder& out) const override { side_->encode(out, self_); }
    [[nodiscard]] void* data() noexcept override { return side_->data().data; }
    [[nodiscard]] std::size_t size() const noexcept override { return side_->data().size; }
    /// Keeps the block as well.
    [[nodiscard]] std::shared_ptr<process_lock> lock() override { return {self_.lock(), &lock_}; }

    [[nodiscard]] object_handle& side() const noexcept { return *side_; }
    void set_self(const std::shared_ptr<shared_object>& self) noexcept {
        self_ = self;
        lock_.set_self(std::shared_ptr<shared_object>(self, &lock_));
    }

private:
    void interest(unsigned, bool) noexcept override {}  // nobody waits for a block, only for its lock

    std::shared_ptr<object_handle> side_;
    plane_lock lock_;
    std::weak_ptr<shared_object> self_;
};

/// This process's side of any object. @throws not_portable if it is no more
[[nodiscard]] std::shared_ptr<shared_object> find_object(plane_core& core, object_ref o);

}  // namespace cadre::detail::shm
