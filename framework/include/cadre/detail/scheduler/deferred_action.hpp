/// @file
/// An action that another thread takes soon, because the caller holds a lock that the action needs.
#pragma once

#include <atomic>

#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/scheduler/timer_service.hpp>

namespace cadre::detail {

/// Lets a stop callback, which runs with its tree's lock held, pass the request on to another tree: the timers' thread
/// does it, or the loop on this thread if its clock is virtual.
///
///     word      state   changed by                               to       order
///     reason_   weaker  `post`, with the tree's lock held        reason   store, release
///     pending_  n       `post`, before it arms the timer         n + 1    fetch_add, relaxed
///               n       the timers' thread, after the action     n - 1    fetch_sub, release; its last access
///               n       `settle`, which disarmed the timer       n - 1    fetch_sub, relaxed
///
/// The timers' thread reads `reason_` with acquire, `settle` reads `pending_` with acquire.
class deferred_action {
public:
    using function = void (*)(void*, stop_reason) noexcept;

    deferred_action() noexcept = default;
    deferred_action(const deferred_action&) = delete;
    deferred_action& operator=(const deferred_action&) = delete;

    /// Calls `action(context, why)` soon. A later call has an effect only with a stronger reason: `action` is
    /// then called with the stronger reason, once or twice. All calls pass the same action and context, and are made
    /// with the same stop tree's lock held.
    void post(function action, void* context, stop_reason why) noexcept;
    /// Waits until the action has run, or ensures that it never will. Call it before the context is destroyed, when no
    /// further call of `post` is possible.
    void settle() noexcept;

private:
    struct node : timer_node {
        deferred_action* self = nullptr;
    };
    void run() noexcept;

    node timer_;
    timer_service* timers_ = nullptr;  // in which it was armed last
    function action_ = nullptr;
    void* context_ = nullptr;
    std::atomic<stop_reason> reason_{stop_reason::none};
    std::atomic<unsigned> pending_{0};  // armed or running timers
};

}  // namespace cadre::detail
