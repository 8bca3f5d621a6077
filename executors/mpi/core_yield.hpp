/// @file
/// Yields of the core between two polls.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include <sched.h>

namespace cadre::detail::mpi {

/// A yield is the cheapest wait if the only process that wants the core is the one that is to answer. If a process
/// computes there, a yield costs a time slice of it. So after a costly yield the core counts as crowded: for 10 ms,
/// and twice as long each time that the next yield is costly again, at most 640 ms. Thread-safe.
class core_yield {
public:
    using clock = std::chrono::steady_clock;

    void operator()() noexcept {
        const auto before = clock::now();
        static_cast<void>(::sched_yield());
        record(before, clock::now());
    }
    void record(clock::time_point before, clock::time_point after) noexcept {
        if (after - before < costly) return;
        const clock::duration last(pause_.load(std::memory_order_relaxed));
        const bool again = before - end_of_pause() < last;
        const clock::duration next = again ? std::min<clock::duration>(2 * last, longest) : shortest;
        pause_.store(next.count(), std::memory_order_relaxed);
        end_.store((after + next).time_since_epoch().count(), std::memory_order_relaxed);
    }
    /// Whether other processes want the core: do not yield.
    [[nodiscard]] bool crowded(clock::time_point now) const noexcept { return now < end_of_pause(); }

private:
    static constexpr std::chrono::microseconds costly{100};
    static constexpr std::chrono::milliseconds shortest{10};
    static constexpr std::chrono::milliseconds longest{640};

    [[nodiscard]] clock::time_point end_of_pause() const noexcept {
        return clock::time_point(clock::duration(end_.load(std::memory_order_relaxed)));
    }

    std::atomic<clock::rep> pause_{clock::duration(shortest).count()};
    std::atomic<clock::rep> end_{0};
};

}  // namespace cadre::detail::mpi
