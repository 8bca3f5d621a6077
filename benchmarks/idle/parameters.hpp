/// @file
/// The cost of idle threads, and the latency of the next call.
#pragma once

#include "measure.hpp"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace idle {

inline const std::chrono::milliseconds rest =
    bench::scaled(std::chrono::milliseconds{2000}, std::chrono::milliseconds{100});
inline const unsigned calls = bench::scaled(200u, 20u);
/// The pause between two calls, in which the threads go to sleep.
inline constexpr std::chrono::milliseconds pause{5};

/// Measures a pool through `call(f)`, which runs `f` on one of its threads and returns when `f` has ended.
template <class F>
void measure(unsigned threads, F call) {
    const std::string name = bench::threads_name(threads);
    call([] {});
    std::this_thread::sleep_for(pause);

    const auto begin = bench::clock::now();
    const double before = bench::cpu_seconds();
    std::this_thread::sleep_for(rest);
    const double used = bench::cpu_seconds() - before;
    bench::report(name + ", CPU used", 100 * used / bench::seconds_since(begin), "%");

    std::vector<double> latency;
    for (unsigned i = 0; i != calls; ++i) {
        std::this_thread::sleep_for(pause);
        const auto called = bench::clock::now();
        call([&] { latency.push_back(bench::seconds_since(called) * 1e6); });
    }
    bench::require(latency.size() == calls, name);
    bench::report(name + ", wake-up p50", bench::quantile(latency, 0.5), "us");
    bench::report(name + ", wake-up p99", bench::quantile(latency, 0.99), "us");
}

}  // namespace idle
