/// @file
/// `async_shared_mutex`: one writer or many readers, between tasks, threads and worker processes; waiting holds
/// no thread.
///
///     cadre::async_shared_mutex m{ex};
///     auto reading = co_await m.lock_shared();   // with other readers
///     auto writing = co_await m.lock();          // alone
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include <cadre/detail/state/lock_operation.hpp>
#include <cadre/detail/state/separate_count.hpp>
#include <cadre/detail/state/state_objects.hpp>
#include <cadre/executor.hpp>

namespace cadre {

/// A lock in the memory domain of an executor. All copies of the handle, also those in worker processes, refer to the
/// same lock.
///
/// Not recursive, in either mode. A lock belongs to its guard, not to a thread or task: any thread of the process may
/// unlock. A waiting writer keeps later readers out, so it waits only for the present readers. Tasks of one process are
/// served in the order of arrival, and no process starves. When a process dies, its locks are released: those of
/// readers silently; the death of a writer is reported. All members are thread-safe.
class async_shared_mutex {
    template <detail::lock_mode Mode>
    class [[nodiscard]] basic_guard {
    public:
        explicit basic_guard(detail::held_lock held) noexcept : lock_(std::move(held)) {}
        /// Whether the process of a writer died while it held the lock, and no writer has held it since: the protected
        /// data may be in an intermediate state.
        [[nodiscard]] bool owner_died() const noexcept { return lock_.owner_died(); }
        void unlock() noexcept { lock_.unlock(); }
        /// False once unlocked or moved from.
        [[nodiscard]] bool owns_lock() const noexcept { return lock_.owns(); }
        [[nodiscard]] explicit operator bool() const noexcept { return owns_lock(); }

    private:
        friend struct detail::guard_access;
        detail::held_lock lock_;
    };
    template <detail::lock_mode Mode>
    [[nodiscard]] auto operation() const {
        auto then = [](detail::held_lock held) { return basic_guard<Mode>(std::move(held)); };
        return detail::lock_operation<decltype(then), Mode>(lock_.use(), then);
    }

public:
    static constexpr bool cadre_portable_handle = true;

    /// Holds the lock alone until it is destroyed or `unlock` is called. Movable.
    using guard = basic_guard<detail::lock_mode::exclusive>;
    /// Holds the lock with other readers. Movable.
    using shared_guard = basic_guard<detail::lock_mode::shared>;

    /// A move copies: the handle that was moved from stays usable.
    async_shared_mutex(const async_shared_mutex&) = default;
    async_shared_mutex& operator=(const async_shared_mutex&) = default;

    /// @throws not_portable if `ex` has no memory domain, executor_stopped after its shutdown, std::bad_alloc
    explicit async_shared_mutex(const executor& ex) : lock_(detail::domain_of(ex).make_shared_lock()) {}

    /// Completes with the lock held alone. Stop: a free lock is acquired also by a task with a stop request; a wait
    /// ends with `cancelled` without the lock. Resumes at home.
    /// @throws cancelled, executor_stopped; std::logic_error in code without `NDEBUG` if the awaiting coroutine holds
    /// the lock alone
    [[nodiscard]] auto lock() const { return operation<detail::lock_mode::exclusive>(); }
    /// Completes with the lock held together with other readers. Otherwise as `lock`.
    [[nodiscard]] auto lock_shared() const { return operation<detail::lock_mode::shared>(); }

    /// Acquires the lock if it is free and no task of this process waits; else empty. @throws executor_stopped
    [[nodiscard]] std::optional<guard> try_lock() const;
    /// Acquires the lock if no writer holds it or has begun to wait in another process, and no task of this process
    /// waits; else empty. @throws executor_stopped
    [[nodiscard]] std::optional<shared_guard> try_lock_shared() const;

    void encode_handle(detail::encoder& out) const { lock_->encode(out); }
    static async_shared_mutex decode_handle(detail::decoder& in);

    /// Whether both handles refer to the same lock.
    friend bool operator==(const async_shared_mutex& a, const async_shared_mutex& b) noexcept {
        return a.lock_ == b.lock_;
    }

private:
    explicit async_shared_mutex(std::shared_ptr<detail::process_shared_lock> lock) noexcept : lock_(std::move(lock)) {}

    template <detail::lock_mode Mode>
    [[nodiscard]] std::optional<basic_guard<Mode>> attempt() const;

    detail::separate_count<detail::process_shared_lock> lock_;  // readers with copies of the handle count separately
};

}  // namespace cadre
