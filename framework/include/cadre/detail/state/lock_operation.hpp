/// @file
/// The awaitable behind locks and behind locked access to cells.
#pragma once

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include <cadre/detail/base/late_object.hpp>
#include <cadre/detail/coroutine/await_check.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/detail/state/memory_domain.hpp>
#include <cadre/detail/state/state_objects.hpp>

namespace cadre::detail {

/// How a lock is taken: a process_lock; or a process_shared_lock, by its owner or by a sharer.
enum class lock_mode : std::uint8_t { simple, exclusive, shared };

inline void unlock(process_lock& lock, lock_mode mode) noexcept {
    if (mode == lock_mode::shared)
        static_cast<process_shared_lock&>(lock).unlock_shared();
    else
        lock.unlock();
}

/// Holds a lock until destruction or `unlock`. Movable; may be destroyed on any thread.
class held_lock {
public:
    held_lock() noexcept = default;
    held_lock(std::shared_ptr<process_lock> lock, bool owner_died, lock_mode mode = lock_mode::simple) noexcept
        : lock_(std::move(lock)), owner_died_(owner_died), mode_(mode) {}
    held_lock(held_lock&& other) noexcept
        : lock_(std::move(other.lock_)), owner_died_(other.owner_died_), mode_(other.mode_) {
        moved();
    }
    held_lock& operator=(held_lock&& other) noexcept {
        if (this != &other) {
            unlock();
            lock_ = std::move(other.lock_);
            owner_died_ = other.owner_died_;
            mode_ = other.mode_;
            moved();
        }
        return *this;
    }
    ~held_lock() { unlock(); }

    void unlock() noexcept {
        const auto lock = std::exchange(lock_, nullptr);
        if (lock == nullptr) return;
        lock->forget_holder();
        detail::unlock(*lock, mode_);
    }
    [[nodiscard]] bool owns() const noexcept { return lock_ != nullptr; }
    [[nodiscard]] bool owner_died() const noexcept { return owner_died_; }
    /// The lock that it holds, or null.
    [[nodiscard]] const std::shared_ptr<process_lock>& lock() const noexcept { return lock_; }
    [[nodiscard]] lock_mode mode() const noexcept { return mode_; }

private:
    // Another coroutine may have it now.
    void moved() noexcept {
        if (lock_ != nullptr) lock_->forget_holder();
    }

    std::shared_ptr<process_lock> lock_;
    bool owner_died_ = false;
    lock_mode mode_ = lock_mode::simple;
};

/// The lock inside a guard of this library, for condition variables.
struct guard_access {
    template <class Guard>
        requires requires(Guard& g) {
            { g.lock_ } -> std::same_as<held_lock&>;
        }
    [[nodiscard]] static held_lock& lock(Guard& guard) noexcept {
        return guard.lock_;
    }
};

/// A guard of this library.
template <class G>
concept lock_guard = requires(G& guard) { guard_access::lock(guard); };

[[noreturn]] void throw_waits_for_itself();

/// A coroutine that waits for a lock.
struct lock_wait : shared_object::pending_operation {
    bool owner_died = false;
    bool claimed = false;  // of a process_shared_lock: see try_lock_waiting

    template <lock_mode Mode>
    static op_status retry(pending_operation& p) noexcept {
        auto& self = static_cast<lock_wait&>(p);
        if constexpr (Mode == lock_mode::simple)
            return static_cast<process_lock*>(self.object)->try_lock(self.owner_died);
        else if constexpr (Mode == lock_mode::shared)
            return static_cast<process_shared_lock*>(self.object)->try_lock_shared(self.owner_died);
        else
            return static_cast<process_shared_lock*>(self.object)->try_lock_waiting(self.claimed, self.owner_died);
    }
    static bool withdraw_claim(pending_operation& p) noexcept {
        auto& self = static_cast<lock_wait&>(p);
        if (self.claimed) static_cast<process_shared_lock*>(self.object)->unclaim();
        return true;
    }
};

/// Tries to take `lock` for an operation that does not wait; before those that do.
template <lock_mode Mode>
[[nodiscard]] op_status try_take_first(process_lock& lock, bool& owner_died) noexcept {
    if constexpr (Mode == lock_mode::shared)
        return static_cast<process_shared_lock&>(lock).try_lock_shared(owner_died);
    else
        return lock.try_lock(owner_died);
}
/// The same, not before operations of this process that wait.
template <lock_mode Mode>
[[nodiscard]] op_status try_take(process_lock& lock, bool& owner_died) noexcept {
    return lock.has_waiting_tasks(0) ? op_status::would_block : try_take_first<Mode>(lock, owner_died);
}

/// Waits for `lock`, then calls `then(held_lock)` in the awaiting coroutine.
template <class Then, lock_mode Mode = lock_mode::simple>
class [[nodiscard]] lock_operation {
public:
    using resumes_at_home = void;
    lock_operation(std::shared_ptr<process_lock> lock, Then then) : lock_(std::move(lock)), then_(std::move(then)) {}

    [[nodiscard]] bool await_ready() noexcept {
        check_.awaited();
        outcome_ = lock_->has_waiters(0) ? op_status::would_block : try_take_first<Mode>(*lock_, owner_died_);
        const bool ready = outcome_ != op_status::would_block && task_may_continue();
#ifndef NDEBUG
        ready_ = ready;
        return false;  // `await_suspend` gets to know the coroutine
#else
        return ready;
#endif
    }
    /// @param behind_others  not before others that wait already @return whether the operation has ended, in any way
    [[nodiscard]] bool try_now(bool behind_others) noexcept {
        check_.awaited();
        outcome_ = behind_others ? try_take<Mode>(*lock_, owner_died_) : try_take_first<Mode>(*lock_, owner_died_);
        return outcome_ != op_status::would_block;
    }
    /// Takes over the result of an attempt that was made for this operation.
    void adopt(op_status outcome, bool owner_died) noexcept {
        outcome_ = outcome;
        owner_died_ = owner_died;
    }
    [[nodiscard]] process_lock& lock() const noexcept { return *lock_; }
    /// A select awaits the operation.
    void belongs_to_select() noexcept { check_.awaited(); }

    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
#ifndef NDEBUG
        frame_ = handle.address();
        if (outcome_ == op_status::would_block && Mode != lock_mode::shared && lock_->held_by(frame_))
            outcome_ = op_status::closed;
        if (ready_ || outcome_ == op_status::closed) return false;
#endif
        lock_wait& wait = wait_.emplace();
        wait.object = lock_.get();
        wait.try_now = &lock_wait::retry<Mode>;
        if constexpr (Mode == lock_mode::exclusive) wait.withdraw = &lock_wait::withdraw_claim;
        if (outcome_ != op_status::would_block) {
            wait.outcome = outcome_;
            wait.owner_died = owner_died_;
            wait.prepare(handle, environment_of(handle), nullptr);
            return defer_home(wait);
        }
        wait.prepare(handle, environment_of(handle), &shared_object::cancel, wait_kind::lock);
        return lock_->park(wait) && wait.commit();
    }

    decltype(auto) await_resume() {
        if (wait_) {
            wait_->complete();
            outcome_ = wait_->outcome;
            owner_died_ = wait_->owner_died;
        }
        require_alive(outcome_);
        if (outcome_ == op_status::closed) throw_waits_for_itself();
        const note_holder note{*this, *lock_};
        return then_(held_lock(std::move(lock_), owner_died_, Mode));
    }

private:
    /// At the end of `await_resume`, when the guard is where the coroutine keeps it.
    struct note_holder {
        ~note_holder() {
            if constexpr (Mode != lock_mode::shared && lock_guard<std::invoke_result_t<Then&, held_lock>>)
                if (operation.frame_ != nullptr) lock.set_holder(operation.frame_);
        }
        lock_operation& operation;
        process_lock& lock;
    };

    std::shared_ptr<process_lock> lock_;
    Then then_;
    op_status outcome_ = op_status::would_block;
    bool owner_died_ = false;
    bool ready_ = false;
    const void* frame_ = nullptr;  // of the coroutine, in code without NDEBUG
    await_check<awaitable_kind::lock> check_;
    late_object<lock_wait> wait_;  // set when the operation suspends
};

}  // namespace cadre::detail
