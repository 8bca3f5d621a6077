/// @file
/// The round trips through a cadre executor.
#pragma once

#include "round_trip/parameters.hpp"

#include <cadre/cadre.hpp>

#include <cstdlib>

namespace round_trip {

inline cadre::task<double> one_call(cadre::executor ex, std::uint64_t x) {
    const auto begin = bench::clock::now();
    const std::uint64_t answer = co_await cadre::on(ex, square, x);
    const double took = bench::seconds_since(begin) * 1e6;
    if (answer != x * x) std::abort();
    co_return took;
}

inline cadre::task<int> run(cadre::executor ex) {
    std::vector<double> hot;
    std::vector<double> cold;
    for (unsigned i = 0; i != warm_up; ++i)
        (void)co_await one_call(ex, i);
    for (unsigned i = 0; i != hot_calls; ++i)
        hot.push_back(co_await one_call(ex, i));
    for (unsigned i = 0; i != cold_calls; ++i) {
        co_await cadre::sleep_for(pause);
        cold.push_back(co_await one_call(ex, i));
    }
    report(hot, cold);
    co_return 0;
}

}  // namespace round_trip
