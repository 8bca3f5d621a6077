/// @file
/// `async_mutex`: mutual exclusion between tasks, threads and worker processes; waiting holds no thread.
///
///     cadre::async_mutex m{ex};
///     auto guard = co_await m.lock();   // unlocks when it goes out of scope
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include <cadre/detail/state/lock_operation.hpp>
#include <cadre/detail/state/state_objects.hpp>
#include <cadre/executor.hpp>

namespace cadre {

/// A lock in the memory domain of an executor. All copies of the handle, also those in worker processes, refer to the
/// same lock. A lock made for a process executor works in every process of the program; one made for a local executor
/// works on every local executor.
///
/// Not recursive. The lock belongs to the guard, not to a thread or task: any thread of the process may unlock. All
/// members are thread-safe.
class async_mutex {
public:
    static constexpr bool cadre_portable_handle = true;

    /// Holds the lock until it is destroyed or `unlock` is called. Movable.
    class [[nodiscard]] guard {
    public:
        explicit guard(detail::held_lock held) noexcept : lock_(std::move(held)) {}
        /// Whether the previous owner's process died while it held the lock: the protected data may be in an
        /// intermediate state.
        [[nodiscard]] bool owner_died() const noexcept { return lock_.owner_died(); }
        void unlock() noexcept { lock_.unlock(); }
        /// False once unlocked or moved from.
        [[nodiscard]] bool owns_lock() const noexcept { return lock_.owns(); }
        [[nodiscard]] explicit operator bool() const noexcept { return owns_lock(); }

    private:
        friend struct detail::guard_access;
        detail::held_lock lock_;
    };

    /// A move copies: the handle that was moved from stays usable.
    async_mutex(const async_mutex&) = default;
    async_mutex& operator=(const async_mutex&) = default;

    /// @throws not_portable if `ex` has no memory domain, executor_stopped after its shutdown, std::bad_alloc
    explicit async_mutex(const executor& ex) : lock_(detail::domain_of(ex).make_lock()) {}

    /// Completes with the lock held. Waiters of one process are served in the order of arrival. Stop: a free lock is
    /// acquired also by a task with a stop request; a wait ends with `cancelled` without the lock. Resumes at home.
    /// @throws cancelled, executor_stopped; std::logic_error in code without `NDEBUG` if the awaiting coroutine holds
    /// the lock itself
    [[nodiscard]] auto lock() const {
        auto then = [](detail::held_lock held) { return guard(std::move(held)); };
        return detail::lock_operation<decltype(then)>(lock_, then);
    }

    /// Acquires the lock if it is free and no task of this process waits for it; else empty. @throws executor_stopped
    [[nodiscard]] std::optional<guard> try_lock() const;

    void encode_handle(detail::encoder& out) const { lock_->encode(out); }
    static async_mutex decode_handle(detail::decoder& in);

    friend bool operator==(const async_mutex& a, const async_mutex& b) noexcept { return a.lock_ == b.lock_; }

private:
    explicit async_mutex(std::shared_ptr<detail::process_lock> lock) noexcept : lock_(std::move(lock)) {}

    std::shared_ptr<detail::process_lock> lock_;
};

}  // namespace cadre
