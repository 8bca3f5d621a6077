/// @file
/// Increments of one number under a lock, by one process and by two; readers of a shared lock on two threads.
#pragma once

#include "measure.hpp"

#include <cstdint>

namespace locks {

inline const std::uint64_t increments = bench::scaled<std::uint64_t>(10'000'000, 20'000);
inline const std::uint64_t reads = bench::scaled<std::uint64_t>(5'000'000, 20'000);  // of each reader

/// Times `run`, which takes a lock `count` times.
template <class F>
void measure(std::string_view name, std::uint64_t count, F run) {
    const auto begin = bench::clock::now();
    run();
    bench::report(name, static_cast<double>(count) / bench::seconds_since(begin), "/s");
}

}  // namespace locks
