/// @file
/// The deadline of a shutdown.
#pragma once

#include <functional>
#include <memory>

#include <cadre/detail/scheduler/timer_service.hpp>

namespace cadre::detail {

/// Calls a function if its deadline passes before it is cancelled. Keeps itself alive while its timer is armed.
/// Thread-safe.
class shutdown_alarm {
public:
    /// Calls `expired` at `deadline`, on the thread of the default timers, or the loop on this thread if its clock is
    /// virtual; never at `steady_time::max()`.
    [[nodiscard]] static std::shared_ptr<shutdown_alarm> arm(steady_time deadline, std::function<void()> expired);
    /// Afterwards `expired` has been called, is being called, or never will be.
    void cancel() noexcept;

private:
    struct node : timer_node {
        std::shared_ptr<shutdown_alarm> owner;  // while armed
    };
    node timer_;
    timer_service* timers_ = nullptr;  // in which it is armed
    std::function<void()> expired_;
};

}  // namespace cadre::detail
