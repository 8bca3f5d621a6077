/// @file
/// What the problems of the local plane share: their cases, their two sizes, and how a computation is timed.
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

/// With CADRE_BENCHMARKS_QUICK in the environment (`benchmarks/run --quick`) the problems shrink until each takes a moment:
/// to see that everything still works, not to measure.
inline const bool quick = std::getenv("CADRE_BENCHMARKS_QUICK") != nullptr;

/// A problem's size: the one to measure, or the quick one.
template <class T>
[[nodiscard]] T scaled(T full, T small) {
    return quick ? small : full;
}

/// How the case is called.
[[nodiscard]] inline std::string threads_name(unsigned threads) {
    return std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

/// A figure of a wrong result is none.
inline void require(bool correct, std::string_view name) {
    if (correct) return;
    std::fprintf(stderr, "%.*s: wrong result\n", static_cast<int>(name.size()), name.data());
    std::exit(1);
}

/// Times `compute`, which has to give `answer`.
template <class Answer, class F>
void measure(std::string_view name, const Answer& answer, F compute) {
    const auto begin = clock::now();
    const auto got = compute();
    const double took = seconds_since(begin);
    require(got == answer, name);
    report(name, took * 1e3, "ms");
}

}  // namespace bench
