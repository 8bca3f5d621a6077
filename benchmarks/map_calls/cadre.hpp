/// @file
/// The million calls through `map`, one by one and in automatic chunks.
#pragma once

#include "map_calls/parameters.hpp"

#include <cadre/cadre.hpp>

#include <cstdlib>
#include <ranges>
#include <string>

namespace map_calls {

inline cadre::task<void> measure(cadre::executor ex, std::string name, cadre::map_options options) {
    const auto begin = bench::clock::now();
    const auto squares = co_await cadre::map(ex, square, std::views::iota(std::uint64_t{0}, calls), options);
    const double rate = static_cast<double>(calls) / bench::seconds_since(begin);
    for (std::uint64_t i = 0; i != calls; ++i)
        if (squares[i] != i * i) std::abort();
    bench::report(name, rate, "calls/s");
}

inline cadre::task<int> run(cadre::executor ex) {
    const std::string workers =
        ", " + std::to_string(ex.concurrency()) + (ex.concurrency() == 1 ? " worker" : " workers");
    // Warm-up: both sides touch their memory for the first time.
    (void)co_await cadre::map(ex, square, std::views::iota(std::uint64_t{0}, calls / 10));
    cadre::map_options one_by_one;
    one_by_one.chunk = 1;
    co_await measure(ex, "chunk 1" + workers, one_by_one);
    co_await measure(ex, "automatic" + workers, {});
    co_return 0;
}

}  // namespace map_calls
