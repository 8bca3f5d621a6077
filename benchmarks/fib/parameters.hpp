/// @file
/// fib(39) without a cut-off: a hundred million forks with almost no work.
#pragma once

#include "measure.hpp"

#include <cstdint>

namespace fib {

inline const unsigned n = bench::scaled(39u, 24u);
inline const std::uint64_t answer = bench::scaled<std::uint64_t>(63'245'986, 46'368);

/// Enough to wake all threads.
inline constexpr unsigned warm_up = 20;

}  // namespace fib
