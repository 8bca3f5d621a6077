/// @file
/// Requests to stop a call: it is revoked if no worker has claimed it, else a stop request is sent to its worker.
#pragma once

#include "process/parent/placement.hpp"

#include <chrono>
#include <utility>

namespace cadre::detail::process_parent {

/// Takes no lock: everything needs the pool's `calls_mutex_`.
class stop_requests {
public:
    /// @param grace how long a call may go on after a stop for a deadline or a kill before its worker is killed
    stop_requests(std::chrono::nanoseconds grace, placement& calls, deadline_queue& deadlines) noexcept
        : grace_(grace), placement_(calls), deadlines_(deadlines) {}

    /// Has no effect if a stop as strong was requested before.
    void request(call_record& r, stop_reason why, ended_calls& ended) noexcept;
    /// The same for a requester that may hold the lock of a stop tree, which the completion of a call may need: the
    /// supervisor completes a call that ends by this.
    void request_deferred(call_record& r, stop_reason why) noexcept;
    /// The calls that `request_deferred` has ended.
    [[nodiscard]] ended_calls take_ended() noexcept { return std::exchange(ended_, {}); }

private:
    const std::chrono::nanoseconds grace_;
    placement& placement_;
    deadline_queue& deadlines_;
    ended_calls ended_;
};

}  // namespace cadre::detail::process_parent
