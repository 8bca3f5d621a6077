/// @file
/// The awaitable behind locks and behind locked access to cells.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <utility>

#include <cadre/detail/coroutine/await_check.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/detail/state/state_objects.hpp>

namespace cadre::detail {

/// Holds a lock until destruction or `unlock`. Movable; may be destroyed on any thread.
class held_lock {
public:
    held_lock() noexcept = default;
    held_lock(std::shared_ptr<process_lock> lock, bool owner_died) noexcept
        : lock_(std::move(lock)), owner_died_(owner_died) {}
    held_lock(held_lock&&) noexcept = default;
    held_lock& operator=(held_lock&& other) noexcept {
        if (this != &other) {
            unlock();
            lock_ = std::move(other.lock_);
            owner_died_ = other.owner_died_;
        }
        return *this;
    }
    ~held_lock() { unlock(); }

    void unlock() noexcept {
        if (const auto lock = std::exchange(lock_, nullptr)) lock->unlock();
    }
    [[nodiscard]] bool owns() const noexcept { return lock_ != nullptr; }
    [[nodiscard]] bool owner_died() const noexcept { return owner_died_; }

private:
    std::shared_ptr<process_lock> lock_;
    bool owner_died_ = false;
};

/// A coroutine that waits for a lock.
struct lock_wait : shared_object::pending_operation {
    bool owner_died = false;

    static op_status retry(pending_operation& p) noexcept {
        auto& self = static_cast<lock_wait&>(p);
        return static_cast<process_lock*>(self.object)->try_lock(self.owner_died);
    }
};

/// Waits for `lock`, then calls `then(held_lock)` in the awaiting coroutine.
template <class Then>
class [[nodiscard]] lock_operation {
public:
    using resumes_at_home = void;
    lock_operation(std::shared_ptr<process_lock> lock, Then then) : lock_(std::move(lock)), then_(std::move(then)) {}

    [[nodiscard]] bool await_ready() noexcept { return try_now(true) && task_may_continue(); }
    /// @param behind_others  not before others that wait already @return whether the operation has ended, in any way
    [[nodiscard]] bool try_now(bool behind_others) noexcept {
        check_.awaited();
        if (!behind_others || !lock_->has_waiters(0)) outcome_ = lock_->try_lock(owner_died_);
        return outcome_ != op_status::would_block;
    }
    /// Takes over what an attempt elsewhere has given.
    void adopt(op_status outcome, bool owner_died) noexcept {
        outcome_ = outcome;
        owner_died_ = owner_died;
    }
    [[nodiscard]] process_lock& lock() const noexcept { return *lock_; }
    /// A select awaits the operation.
    void belongs_to_select() noexcept { check_.awaited(); }

    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        lock_wait& wait = wait_.emplace();
        wait.object = lock_.get();
        wait.try_now = &lock_wait::retry;
        if (outcome_ != op_status::would_block) {
            wait.outcome = outcome_;
            wait.owner_died = owner_died_;
            wait.prepare(handle, environment_of(handle), nullptr);
            return defer_home(wait);
        }
        wait.prepare(handle, environment_of(handle), &shared_object::cancel);
        return lock_->park(wait) && wait.commit();
    }

    decltype(auto) await_resume() {
        if (wait_) {
            wait_->complete();
            outcome_ = wait_->outcome;
            owner_died_ = wait_->owner_died;
        }
        require_alive(outcome_);
        return then_(held_lock(std::move(lock_), owner_died_));
    }

private:
    std::shared_ptr<process_lock> lock_;
    Then then_;
    op_status outcome_ = op_status::would_block;
    bool owner_died_ = false;
    await_check<awaitable_kind::lock> check_;
    std::optional<lock_wait> wait_;  // set when the operation suspends
};

}  // namespace cadre::detail
