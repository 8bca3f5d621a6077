/// @file
/// A bounded wait before a suspension, for a result that another thread is about to produce.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>

#include <cadre/detail/base/compiler.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>

namespace cadre::detail {

/// Whether this thread runs a worker that has no other work, and whose order of tasks is not fixed by a seed.
[[nodiscard]] bool only_this_task_is_ready() noexcept;

/// Whether recent spins for one event succeeded: after two failures in a row, many waits begin without a spin. Threads
/// that share a record may lose each other's changes.
class spin_record {
public:
    [[nodiscard]] bool may_spin() noexcept {
        const int left = skipped_.load(std::memory_order_relaxed);
        if (left > 0) skipped_.store(left - 1, std::memory_order_relaxed);
        return left <= 0;
    }
    void record(bool found) noexcept {
        const int missed = found ? 0 : std::min(misses_.load(std::memory_order_relaxed) + 1, max_misses);
        misses_.store(missed, std::memory_order_relaxed);
        if (missed >= max_misses) skipped_.store(waits_without, std::memory_order_relaxed);
    }

private:
    static constexpr int max_misses = 2;
    static constexpr int waits_without = 64;
    std::atomic<int> misses_{0};
    std::atomic<int> skipped_{0};
};

/// Polls `done()` while this worker has no other work, for no longer than a suspension and a resumption cost
/// (competitive spinning: Karlin et al., SODA 1990). It spins while another worker of its executor is awake, or if
/// recent spins of `history` succeeded. The first poll is delayed, and the intervals grow: each poll takes a cache line
/// from the other thread, and a late poll finds several results at once. @return whether `done()` was true
template <class F>
[[nodiscard]] [[gnu::noinline]] bool bounded_spin(spin_record& history, F done) noexcept {
    constexpr std::chrono::nanoseconds first_interval{500};
    constexpr int polls = 3;
    local_worker* const worker = this_thread_worker;
    if (worker == nullptr) return false;
    const bool among_workers = worker->waits_for_others();
    if (!among_workers && !(history.may_spin() && only_this_task_is_ready())) return false;
    bool found = false;
    auto next = std::chrono::steady_clock::now();
    for (int poll = 0; poll < polls && !found; ++poll) {
        next += first_interval * (1 << poll);
        while (std::chrono::steady_clock::now() < next)
            for (int i = 0; i < 4; ++i)
                cpu_relax();
        found = done();
        if (!found && !(among_workers ? worker->waits_for_others() : only_this_task_is_ready())) break;
    }
    if (!among_workers) history.record(found);
    return found;
}

}  // namespace cadre::detail
