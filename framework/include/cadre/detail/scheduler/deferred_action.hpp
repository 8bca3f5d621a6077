/// @file
/// Something to be done by another thread in a moment, because the caller holds a lock that the action needs.
#pragma once

#include <atomic>

#include <cadre/detail/scheduler/timer_service.hpp>

namespace cadre::detail {

/// Lets a stop callback, which runs with its tree's lock held, ask something else to stop: the timers' thread does it.
class deferred_action {
public:
    deferred_action() noexcept = default;
    deferred_action(const deferred_action&) = delete;
    deferred_action& operator=(const deferred_action&) = delete;

    /// Has `action(context)` called soon; only the first call counts.
    void post(void (*action)(void*) noexcept, void* context) noexcept;
    /// Afterwards the action has run, or never will. Call it before what the action uses goes.
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
