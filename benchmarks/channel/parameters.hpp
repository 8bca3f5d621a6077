/// @file
/// Ten million integers through one channel of capacity 1024: half of the threads produce, half consume (with one
/// thread, one task each).
#pragma once

#include "measure.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace channel {

inline constexpr std::size_t capacity = 1024;
inline const std::uint64_t items = bench::scaled<std::uint64_t>(10'000'000, 20'000);

/// The number of producers, which is also that of consumers.
[[nodiscard]] inline unsigned pairs(unsigned threads) { return std::max(1u, threads / 2); }

/// Times `transfer(items)`, which returns the sum of the received numbers when the producers send 0, 1, … `items` - 1.
template <class F>
void measure(unsigned threads, F transfer) {
    const auto sum = [](std::uint64_t n) { return n * (n - 1) / 2; };
    bench::require(transfer(items / 10) == sum(items / 10), "warm-up");
    const auto begin = bench::clock::now();
    const std::uint64_t got = transfer(items);
    const double took = bench::seconds_since(begin);
    bench::require(got == sum(items), bench::threads_name(threads));
    bench::report(bench::threads_name(threads), took * 1e3, "ms");
}

}  // namespace channel
