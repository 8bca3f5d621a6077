/// @file
/// A bounded wait before a suspension, for a result that another worker is about to produce.
#pragma once

#include <chrono>

#include <cadre/detail/base/compiler.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>

namespace cadre::detail {

/// Polls `done()` while this worker has no other work and another worker is awake, for no longer than a suspension and
/// a resumption cost (competitive spinning: Karlin et al., SODA 1990). The first poll is delayed, and the intervals
/// grow: a poll takes a cache line away from the other worker, so it is to find several results at once. @return
/// whether `done()` was true
template <class F>
[[nodiscard]] [[gnu::noinline]] bool bounded_spin(F done) noexcept {
    constexpr std::chrono::nanoseconds first_interval{500};
    constexpr int polls = 3;
    local_worker* const worker = this_thread_worker;
    if (worker == nullptr) return false;
    auto next = std::chrono::steady_clock::now();
    for (int poll = 0; poll < polls && worker->waits_for_others(); ++poll) {
        next += first_interval * (1 << poll);
        while (std::chrono::steady_clock::now() < next)
            for (int i = 0; i < 4; ++i)
                cpu_relax();
        if (done()) return true;
    }
    return false;
}

}  // namespace cadre::detail
