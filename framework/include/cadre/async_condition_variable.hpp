/// @file
/// `async_condition_variable`: tasks wait until what a lock protects has changed, on threads and in worker processes.
///
///     cadre::shared_value<int> stock{ex, 0};
///     cadre::async_condition_variable changed{ex};
///     auto guard = co_await stock.lock();                        // or a guard of a mutex
///     co_await changed.wait(guard, [&] { return *guard > 0; });  // without the lock meanwhile; holds it again
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/state/lock_operation.hpp>
#include <cadre/detail/state/state_objects.hpp>
#include <cadre/executor.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

/// Waits for a notification, without `lock` meanwhile. Holds it again at the end, also after an error, unless its
/// executor has shut down.
[[nodiscard]] task<void> wait_for_notification(std::shared_ptr<shared_condition> condition, held_lock& lock);

}  // namespace detail

/// A condition variable in the memory domain of an executor. All copies of the handle, also those in worker processes,
/// refer to the same one. A notification whose receiver dies before it continues goes to another waiter. All members
/// are thread-safe.
class async_condition_variable {
public:
    static constexpr bool cadre_portable_handle = true;

    /// A move copies: the handle that was moved from stays usable.
    async_condition_variable(const async_condition_variable&) = default;
    async_condition_variable& operator=(const async_condition_variable&) = default;

    /// @throws not_portable if `ex` has no memory domain, executor_stopped after its shutdown, std::bad_alloc
    explicit async_condition_variable(const executor& ex) : condition_(detail::domain_of(ex).make_condition()) {}

    /// Unlocks `guard` and waits for a notification, in one step; then locks `guard` again and completes. Waiters of
    /// one process are notified in the order of arrival. Nothing else ends the wait. Stop: ends with `cancelled`, after
    /// it has the lock again, which a stop request does not cut short; an earlier notification is not lost: the wait
    /// then completes. Resumes at home.
    /// @param guard a guard of async_mutex, async_shared_mutex, shared_value or shared_array that owns its lock; it
    /// must live until the wait has ended
    /// @throws std::logic_error if `guard` owns no lock; cancelled; executor_stopped
    template <detail::lock_guard Guard>
    [[nodiscard]] task<void> wait(Guard& guard) const {
        return detail::wait_for_notification(condition_, detail::guard_access::lock(guard));
    }
    /// Waits until `predicate()`, which is called with the lock held, at the beginning and after each notification. It
    /// and `guard` must live until the wait has ended.
    template <detail::lock_guard Guard, std::predicate Predicate>
    [[nodiscard]] task<void> wait(Guard& guard, Predicate predicate) const {
        return wait_until(condition_, guard, std::move(predicate));
    }
    CADRE_REFUSE_OTHER_MEMBERS(wait,
                               "cadre::async_condition_variable::wait takes the guard of a lock that is held, and a "
                               "predicate or none");

    /// Notifies one waiter, if there is one. The caller may hold the lock or not.
    void notify_one() const noexcept { condition_->notify(1); }
    /// Notifies `count` waiters, or as many as there are.
    void notify(std::uint32_t count) const noexcept { condition_->notify(count); }
    void notify_all() const noexcept { condition_->notify(std::numeric_limits<std::uint32_t>::max()); }

    void encode_handle(detail::encoder& out) const { condition_->encode(out); }
    static async_condition_variable decode_handle(detail::decoder& in);

    /// Whether both handles refer to the same condition variable.
    friend bool operator==(const async_condition_variable& a, const async_condition_variable& b) noexcept {
        return a.condition_ == b.condition_;
    }

private:
    explicit async_condition_variable(std::shared_ptr<detail::shared_condition> condition) noexcept
        : condition_(std::move(condition)) {}

    template <class Guard, class Predicate>
    static task<void> wait_until(std::shared_ptr<detail::shared_condition> condition, Guard& guard,
                                 Predicate predicate) {
        while (!predicate())
            co_await detail::wait_for_notification(condition, detail::guard_access::lock(guard));
    }

    std::shared_ptr<detail::shared_condition> condition_;
};

}  // namespace cadre
