/// @file
/// A tree of ten children per node and eight levels: each of the 10^8 leaves is a task that returns its number, each
/// node returns the sum of its children.
#pragma once

#include "measure.hpp"

#include <cstdint>

namespace skynet {

inline constexpr unsigned children = 10;
inline const std::uint64_t leaves = bench::scaled<std::uint64_t>(100'000'000, 10'000);
inline const std::uint64_t answer = leaves * (leaves - 1) / 2;

/// Enough to wake all threads.
inline constexpr std::uint64_t warm_up = 10'000;

}  // namespace skynet
