/// @file
/// Calls with one integer and one result, one at a time. Hot: the next call follows at once. Cold: after a pause in
/// which both sides go to sleep.
#pragma once

#include "report.hpp"

#include <chrono>
#include <cstdint>
#include <vector>

namespace round_trip {

inline constexpr unsigned warm_up = 2'000;
inline constexpr unsigned hot_calls = 50'000;
inline constexpr unsigned cold_calls = 500;
inline constexpr std::chrono::milliseconds pause{1};

inline std::uint64_t square(std::uint64_t x) { return x * x; }

inline void report(std::vector<double>& hot, std::vector<double>& cold) {
    bench::report("hot p50", bench::quantile(hot, 0.5), "us");
    bench::report("hot p99", bench::quantile(hot, 0.99), "us");
    bench::report("cold p50", bench::quantile(cold, 0.5), "us");
    bench::report("cold p99", bench::quantile(cold, 0.99), "us");
}

}  // namespace round_trip
