/// @file
/// fib(36) without a cut-off: 24 million forks of next to no work.
#pragma once

#include "report.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

namespace fib {

inline constexpr unsigned n = 36;
inline constexpr std::uint64_t answer = 14'930'352;

inline std::string threads_name(unsigned threads) {
    return std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

/// Times `compute`, which gives fib(n).
template <class F>
void measure(unsigned threads, F compute) {
    const auto begin = bench::clock::now();
    const std::uint64_t got = compute();
    const double took = bench::seconds_since(begin);
    if (got != answer) std::abort();
    bench::report(threads_name(threads), took * 1e3, "ms");
}

}  // namespace fib
