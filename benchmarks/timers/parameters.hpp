/// @file
/// A hundred thousand sleeping tasks, which wake one after the other within a second, in another order than they went
/// to sleep: CPU time of the whole program, and wake-up delay.
#pragma once

#include "measure.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace timers {

using deadline = std::chrono::steady_clock::time_point;

inline const std::size_t count = bench::scaled<std::size_t>(100'000, 2'000);
/// The time until the first wake-up, in which all go to sleep.
inline const std::chrono::milliseconds head_start =
    bench::scaled(std::chrono::milliseconds{500}, std::chrono::milliseconds{20});
inline const std::chrono::milliseconds span =
    bench::scaled(std::chrono::milliseconds{1000}, std::chrono::milliseconds{50});

/// The wake-up time of sleeper `i`.
[[nodiscard]] inline deadline wake_time(deadline begin, std::size_t i) {
    const std::size_t place = i * 7'919 % count;  // coprime to both counts: a permutation
    return begin + head_start + span * place / count;
}

/// Measures `sleep_all(begin, late)`: sleeper `i` writes its delay in µs to `late[i]`.
template <class F>
void measure(unsigned threads, F sleep_all) {
    std::vector<double> late(count, -1.0);
    const double before = bench::cpu_seconds();
    sleep_all(std::chrono::steady_clock::now(), late);
    const double used = bench::cpu_seconds() - before;
    const std::string name = bench::threads_name(threads);
    for (const double each : late)
        bench::require(each >= 0, name);
    bench::report(name + ", CPU time", used * 1e3, "ms");
    bench::report(name + ", late p50", bench::quantile(late, 0.5), "us");
    bench::report(name + ", late p99", bench::quantile(late, 0.99), "us");
}

[[nodiscard]] inline double microseconds_since(deadline d) {
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - d).count();
}

}  // namespace timers
