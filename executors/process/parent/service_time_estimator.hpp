/// @file
/// How far ahead calls are queued in a worker: a function of how long a task keeps a worker busy.
#pragma once

#include "process/plane/request_ring.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace cadre::detail::process_parent {

/// The mean time for which a task keeps its worker's loop, and the credit that follows from it.
class service_time_estimator {
public:
    void sample(std::uint32_t nanoseconds) noexcept {
        if (nanoseconds == 0) return;
        if (mean_ == 0) {
            mean_ = nanoseconds;
            return;
        }
        // Outliers are clamped to four times the mean, so that one preempted task does not collapse the queue's depth.
        // The mean follows a real change within about twenty samples.
        mean_ = (mean_ * 7 + std::min<std::uint64_t>(nanoseconds, std::max<std::uint64_t>(mean_ * 4, short_task))) / 8;
    }
    /// In nanoseconds; 0: not known yet.
    [[nodiscard]] std::uint64_t mean() const noexcept { return mean_; }

    /// How many calls may wait in one worker's ring. Short tasks need a deep queue, so that the worker has work while
    /// the parent does something else; long ones stay in the parent, where any worker can get them.
    [[nodiscard]] std::uint64_t depth() const noexcept {
        if (mean_ == 0) return unknown_depth;
        if (mean_ > one_behind) return 1;
        return std::clamp<std::uint64_t>(buffered / mean_, 2, deepest);
    }

private:
    static constexpr std::uint64_t short_task = 1'000;
    static constexpr std::uint64_t buffered = 250'000;  // a quarter of a millisecond of work per worker
    static constexpr std::uint64_t one_behind = 1'000'000;
    static constexpr std::uint64_t unknown_depth = 2;
    static constexpr std::uint64_t deepest = process_plane::request_slots / 2;

    std::uint64_t mean_ = 0;
};

}  // namespace cadre::detail::process_parent
