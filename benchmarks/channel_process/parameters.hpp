/// @file
/// Items of eight bytes through one bounded channel from one process to another.
#pragma once

#include "report.hpp"

#include <cstddef>
#include <cstdint>

namespace channel_process {

inline constexpr std::size_t capacity = 1024;
inline constexpr std::uint64_t items = 1'000'000;
inline constexpr int batch = 256;
inline constexpr std::size_t large = std::size_t{1} << 20;
inline constexpr std::uint64_t large_items = 100'000;

}  // namespace channel_process
