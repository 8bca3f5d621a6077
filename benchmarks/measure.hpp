/// @file
/// Shared by the problems of the local plane: cases, sizes, and timing.
#pragma once

#include "report.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace bench {

/// Every contender but the serial one runs with each of these.
inline constexpr std::array thread_counts{1u, 2u};

/// With CADRE_BENCHMARKS_QUICK in the environment (`benchmarks/run --quick`) the problems shrink to a fraction of a
/// second: to check that everything works, not to measure.
inline const bool quick = std::getenv("CADRE_BENCHMARKS_QUICK") != nullptr;

/// A problem's size: the one to measure, or the quick one.
template <class T>
[[nodiscard]] T scaled(T full, T small) {
    return quick ? small : full;
}

/// The name of the case.
[[nodiscard]] inline std::string threads_name(unsigned threads) {
    return std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

/// Ends the program if a result is wrong.
inline void require(bool correct, std::string_view name) {
    if (correct) return;
    std::fprintf(stderr, "%.*s: wrong result\n", static_cast<int>(name.size()), name.data());
    std::exit(1);
}

/// Times `compute`, which must return `answer`.
template <class Answer, class F>
void measure(std::string_view name, const Answer& answer, F compute) {
    const auto begin = clock::now();
    const auto got = compute();
    const double took = seconds_since(begin);
    require(got == answer, name);
    report(name, took * 1e3, "ms");
}

}  // namespace bench
