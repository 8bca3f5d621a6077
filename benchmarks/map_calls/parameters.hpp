/// @file
/// A million calls of a function with almost no work: the cost of a call.
#pragma once

#include "report.hpp"

#include <cstdint>

namespace map_calls {

inline constexpr std::uint64_t calls = 1'000'000;

inline std::uint64_t square(std::uint64_t x) { return x * x; }

}  // namespace map_calls
