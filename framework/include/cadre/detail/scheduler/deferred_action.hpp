/// @file
/// An action that another thread takes soon, because the caller holds a lock that the action needs.
#pragma once

#include <atomic>

#include <cadre/detail/scheduler/timer_service.hpp>

namespace cadre::detail {

/// Lets a stop callback, which runs with its tree's lock held, request stop of another tree: the timers' thread does it.
///
///     word      changed by                         to    order
///     posted_   the first `post`                   true  exchange, acq_rel
///     done_     the timers' thread, after the      true  store, release; its last access
///               action
class deferred_action {
public:
    deferred_action() noexcept = default;
    deferred_action(const deferred_action&) = delete;
    deferred_action& operator=(const deferred_action&) = delete;

    /// Calls `action(context)` soon; later calls of `post` have no effect.
    void post(void (*action)(void*) noexcept, void* context) noexcept;
    /// Waits until the action has run, or ensures that it never will. Call it before the context is destroyed.
    void settle() noexcept;

private:
    struct node : timer_node {
        deferred_action* self = nullptr;
    };
    node timer_;
    void (*action_)(void*) noexcept = nullptr;
    void* context_ = nullptr;
    std::atomic<bool> posted_{false};
    std::atomic<bool> done_{false};
};

}  // namespace cadre::detail
