/// @file
/// How much address space this process can still map: `ulimit -v` (RLIMIT_AS) bounds it, reserved space included.
#pragma once

#include <cstdint>
#include <limits>

namespace cadre::detail {

inline constexpr std::uint64_t unlimited_address_space = std::numeric_limits<std::uint64_t>::max();

/// In bytes; `unlimited_address_space` without a limit. Reads a file if there is one.
[[nodiscard]] std::uint64_t address_space_left() noexcept;

}  // namespace cadre::detail
