/// @file
/// One task starts a million others, which add up their numbers, and waits for them.
#pragma once

#include "measure.hpp"

#include <atomic>
#include <cstdint>

namespace spawn_many {

inline const std::uint64_t tasks = bench::scaled<std::uint64_t>(1'000'000, 10'000);

/// Times `spawn_all(sum)`, which starts the tasks.
template <class F>
void measure(unsigned threads, F spawn_all) {
    std::atomic<std::uint64_t> sum = 0;
    bench::measure(bench::threads_name(threads), tasks * (tasks - 1) / 2, [&] {
        spawn_all(sum);
        return sum.load();
    });
}

inline void add(std::atomic<std::uint64_t>& sum, std::uint64_t i) { sum.fetch_add(i, std::memory_order_relaxed); }

}  // namespace spawn_many
