/// @file
/// The supervisor's agenda: the deadlines of calls, and the bell that wakes it.
#pragma once

#include "base/doorbell.hpp"
#include "process/parent/call_record.hpp"

#include <chrono>

namespace cadre::detail::process_parent {

/// Everything but `bell` and `wake_supervisor` needs `calls_mutex_`.
class deadline_queue {
public:
    /// The interval at which the supervisor checks what no event announces: messages that wait for room, and calls that
    /// are queued behind others while a worker is idle.
    static constexpr std::chrono::milliseconds retry_interval{1};

    /// Readable after `wake_supervisor`.
    [[nodiscard]] int bell() const noexcept { return bell_.descriptor(); }
    void wake_supervisor() noexcept { bell_.ring(); }

    /// Replaces the deadline of `r`.
    void arm(call_record& r, time_point when) noexcept;
    void disarm(call_record& r) noexcept;
    /// Disarms and returns the record with the earliest deadline; null if none has passed.
    [[nodiscard]] call_record* take_expired(time_point now) noexcept;
    [[nodiscard]] time_point earliest() const noexcept {
        return deadlines_.empty() ? time_point::max() : deadlines_.begin()->first;
    }

    /// Makes the supervisor tick within `retry_interval`.
    void tick_soon() noexcept;
    [[nodiscard]] bool ticks_soon() const noexcept { return next_tick_ == time_point{}; }
    /// The supervisor sleeps until `when`.
    void set_next_tick(time_point when) noexcept { next_tick_ = when; }

private:
    doorbell bell_;
    deadline_map deadlines_;
    time_point next_tick_ = time_point::max();  // the epoch: a wake-up is under way
};

}  // namespace cadre::detail::process_parent
