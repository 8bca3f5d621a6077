/// @file
/// The calls through `map`, one by one and in automatic chunks.
#pragma once

#include "map_calls/parameters.hpp"

#include <cadre/cadre.hpp>

#include <ranges>
#include <string>

namespace map_calls {

inline cadre::task<double> median_seconds(cadre::executor ex, std::uint64_t (*f)(std::uint64_t), std::uint64_t n,
                                          cadre::map_options options) {
    std::vector<double> seconds;
    for (int i = 0; i != 5; ++i) {
        const auto begin = bench::clock::now();
        const auto results = co_await cadre::map(ex, f, std::views::iota(std::uint64_t{0}, n), options);
        seconds.push_back(bench::seconds_since(begin));
        check(results, f, n);
    }
    co_return bench::quantile(seconds, 0.5);
}

inline cadre::task<int> run(cadre::executor ex) {
    const std::string workers = workers_name(ex.concurrency());
    // Warm-up: both sides touch their memory for the first time.
    (void)co_await cadre::map(ex, square, std::views::iota(std::uint64_t{0}, calls / 10));
    cadre::map_options one_by_one;
    one_by_one.chunk = 1;
    report_rate("chunk 1", workers, co_await median_seconds(ex, square, calls, one_by_one));
    report_rate("automatic", workers, co_await median_seconds(ex, square, calls, {}));
    for (const problem& p : problems)
        report_time(p.name, workers, co_await median_seconds(ex, p.function, p.n, {}));
    co_return 0;
}

}  // namespace map_calls
