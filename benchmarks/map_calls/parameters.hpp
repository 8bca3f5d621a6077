/// @file
/// Many calls of a short function: the cost of a call, and whether long and short ones balance.
#pragma once

#include "report.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace map_calls {

inline constexpr std::uint64_t calls = 1'000'000;

inline std::uint64_t square(std::uint64_t x) { return x * x; }

/// Computes for about `steps` nanoseconds. Its value depends on each step.
inline std::uint64_t compute(std::uint64_t x, std::uint64_t steps) {
    for (std::uint64_t i = 0; i != steps; ++i) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    return x;
}
// About six cycles a step.
inline std::uint64_t one_microsecond(std::uint64_t x) { return compute(x + 1, 400); }
inline std::uint64_t ten_microseconds(std::uint64_t x) { return compute(x + 1, 4'000); }
/// 10^5 calls of a microsecond, and in the middle of each 50,000 one of ten milliseconds.
inline std::uint64_t mixed(std::uint64_t x) {
    return x % 50'000 == 25'000 ? compute(x + 1, 4'000'000) : one_microsecond(x);
}

struct problem {
    const char* name;
    std::uint64_t (*function)(std::uint64_t);
    std::uint64_t n;
};
inline constexpr std::array problems{problem{"1 us calls", one_microsecond, 100'000},
                                     problem{"10 us calls", ten_microseconds, 10'000},
                                     problem{"mixed calls", mixed, 100'000}};

inline std::string workers_name(std::size_t workers) {
    return ", " + std::to_string(workers) + (workers == 1 ? " worker" : " workers");
}

inline void check(const std::vector<std::uint64_t>& results, std::uint64_t (*f)(std::uint64_t), std::uint64_t n) {
    if (results.size() != n) std::abort();
    for (std::uint64_t i = 0; i < n; i += 997)
        if (results[i] != f(i)) std::abort();
}

/// The median of several runs of `run`, which returns the results.
template <class Run>
double median_seconds(std::uint64_t (*f)(std::uint64_t), std::uint64_t n, Run run) {
    std::vector<double> seconds;
    for (int i = 0; i != 5; ++i) {
        const auto begin = bench::clock::now();
        const std::vector<std::uint64_t> results = run();
        seconds.push_back(bench::seconds_since(begin));
        check(results, f, n);
    }
    return bench::quantile(seconds, 0.5);
}

inline void report_rate(const char* name, const std::string& workers, double seconds) {
    bench::report(name + workers, static_cast<double>(calls) / seconds, "calls/s");
}
inline void report_time(const char* name, const std::string& workers, double seconds) {
    bench::report(name + workers, seconds * 1e3, "ms");
}

/// All cases of a contender without coroutines: `map(f, n, one_by_one)` returns the vector of `f(0)` to `f(n - 1)`.
template <class Map>
void measure_all(const std::string& workers, Map map) {
    for (const bool one_by_one : {true, false})
        report_rate(one_by_one ? "chunk 1" : "automatic", workers,
                    median_seconds(square, calls, [&] { return map(square, calls, one_by_one); }));
    for (const problem& p : problems)
        report_time(p.name, workers, median_seconds(p.function, p.n, [&] { return map(p.function, p.n, false); }));
}

}  // namespace map_calls
