/// @file
/// Workers that do not take the calls that were sent to them.
#pragma once

#include "process/parent/call_protocol.hpp"

#include <chrono>

namespace cadre::detail::process_parent {

/// A worker without a task takes the next call at once, unless it is stopped, its memory is damaged, or its initializer
/// does not end. No limit of a call counts then, for none has begun. Such a worker is ended; its calls go to others.
/// Takes no lock: everything needs both of the pool's locks.
class silent_workers {
public:
    /// @param task_timeout of the executor; 0: workers may be silent without limit
    silent_workers(worker_set& workers, call_protocol& protocol, std::chrono::nanoseconds task_timeout) noexcept
        : workers_(workers), protocol_(protocol), task_timeout_(task_timeout) {}

    /// Ends the workers that have been silent for too long at `now`. @return when to check again
    [[nodiscard]] time_point check(time_point now) noexcept;

private:
    [[nodiscard]] std::chrono::nanoseconds silence_limit(const worker_connection& c) const noexcept;

    worker_set& workers_;
    call_protocol& protocol_;
    const std::chrono::nanoseconds task_timeout_;
};

}  // namespace cadre::detail::process_parent
