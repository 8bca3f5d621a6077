/// @file
/// Deadlines for waiting coroutines.
#pragma once

#include <chrono>
#include <cstddef>

namespace cadre::detail {

using steady_time = std::chrono::steady_clock::time_point;

/// One deadline; intrusive, owned by the waiter. `fire` runs on the service's thread, without its lock held; it posts
/// or claims and must be short.
struct timer_node {
    void (*fire)(timer_node*) noexcept = nullptr;
    steady_time when{};
    std::size_t index = static_cast<std::size_t>(-1);  ///< place in the service's heap; `npos`: not in it
};

/// A set of deadlines that somebody polls.
class timer_service {
public:
    virtual ~timer_service() = default;
    /// Arms `node` (with `when` and `fire` set). Any thread.
    virtual void add(timer_node& node) = 0;
    /// Disarms. @return true if it will not fire; false if it has fired or is firing right now. Any thread.
    [[nodiscard]] virtual bool cancel(timer_node& node) noexcept = 0;
};

/// The process-wide service with a thread of its own, started on first use; serves executors that bring none.
[[nodiscard]] timer_service& default_timers();

}  // namespace cadre::detail
