/// @file
/// Deadlines for waiting coroutines.
#pragma once

#include <chrono>
#include <cstddef>

namespace cadre::detail {

using steady_time = std::chrono::steady_clock::time_point;

/// One deadline; intrusive, owned by the waiter. `fire` runs on the service's thread, without its lock held, and must
/// be short.
struct timer_node {
    void (*fire)(timer_node*) noexcept = nullptr;
    steady_time when{};
    std::size_t index = static_cast<std::size_t>(-1);  ///< position in the heap of the service; `npos`: not armed
};

/// A set of deadlines. Thread-safe.
class timer_service {
public:
    virtual ~timer_service() = default;
    /// Arms `node`, whose `when` and `fire` are set.
    virtual void add(timer_node& node) = 0;
    /// Disarms `node`. @return true if it will not fire; false if it has fired or is firing now
    [[nodiscard]] virtual bool cancel(timer_node& node) noexcept = 0;
    /// The present time of the clock by which nodes fire.
    [[nodiscard]] virtual steady_time now() const noexcept { return std::chrono::steady_clock::now(); }
    /// Whether that clock is moved by a loop instead of by the hardware.
    [[nodiscard]] virtual bool virtual_time() const noexcept { return false; }
};

/// The process-wide service with a thread of its own, started on first use; the default of executors.
[[nodiscard]] timer_service& default_timers();
/// The service for limits and actions that must not wait for a busy worker: the process-wide one; that of the loop on
/// this thread if it has a virtual clock.
[[nodiscard]] timer_service& timers_here() noexcept;

/// The time `d` after `now`; saturates at the end of the clock's range.
[[nodiscard]] constexpr steady_time deadline_after(steady_time now, std::chrono::nanoseconds d) noexcept {
    if (d <= d.zero()) return now;
    return d >= steady_time::max() - now ? steady_time::max() : now + d;
}

}  // namespace cadre::detail
