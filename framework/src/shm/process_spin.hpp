/// @file
/// A bounded wait for another process, before a coroutine suspends.
#pragma once

#include <chrono>

#include <cadre/detail/base/compiler.hpp>
#include <cadre/detail/scheduler/bounded_spin.hpp>

namespace cadre::detail::shm {

struct spin_times {
    std::chrono::nanoseconds first;  ///< until the first poll; each interval is twice the last one
    int polls;
};

/// Polls `done()` while `expected()`, for no longer than a suspension and a wake-up cost (competitive spinning: Karlin
/// et al., SODA 1990). The first poll is delayed, and the intervals grow: a poll takes a cache line away from the other
/// process, which is to use it several times meanwhile. @return whether `done()` was true
template <class Expected, class Done>
[[nodiscard]] bool process_spin(spin_times times, Expected expected, Done done) noexcept {
    if (!expected() || !only_this_task_is_ready()) return false;
    auto next = std::chrono::steady_clock::now();
    for (int poll = 0;;) {
        next += times.first * (1 << poll);
        while (std::chrono::steady_clock::now() < next)
            for (int i = 0; i != 4; ++i)
                cpu_relax();
        if (done()) return true;
        if (++poll == times.polls || !expected()) return false;
    }
}

}  // namespace cadre::detail::shm
