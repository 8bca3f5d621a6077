/// @file
/// Limits of running time and deadlines of stopped calls: what happens when they pass.
#pragma once

#include "process/parent/call_protocol.hpp"
#include "process/parent/placement.hpp"
#include "process/parent/stop_requests.hpp"

namespace cadre::detail::process_parent {

/// A call that exceeds its limit is asked to stop; a call that is still there at its `kill_at` is ended by killing its
/// worker. Takes no lock: everything needs both of the pool's locks.
class time_limits {
public:
    time_limits(worker_set& workers, placement& calls, stop_requests& stops, call_protocol& protocol,
                deadline_queue& deadlines) noexcept
        : workers_(workers), placement_(calls), stops_(stops), protocol_(protocol), deadlines_(deadlines) {}

    /// Handles all deadlines that have passed at `now`.
    void expire(time_point now, ended_calls& ended) noexcept;

private:
    static bool note_item(call_record& r, std::uint64_t seen, std::int64_t begun, time_point now) noexcept;
    void check(call_record& r, time_point now, ended_calls& ended) noexcept;
    void kill_worker_of(call_record& r, ended_calls& ended) noexcept;

    worker_set& workers_;
    placement& placement_;
    stop_requests& stops_;
    call_protocol& protocol_;
    deadline_queue& deadlines_;
};

}  // namespace cadre::detail::process_parent
