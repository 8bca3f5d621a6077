/// @file
/// Messages whose long runs of bytes stay where they are until they are copied to their destination, once.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace cadre::detail {

/// Runs of at least this many bytes are borrowed: for shorter ones a copy costs less than another piece.
inline constexpr std::size_t borrow_from = std::size_t{64} << 10;

/// Bytes that belong in a message, before the byte `at` of its own bytes.
struct borrowed_run {
    std::size_t at;
    std::span<const std::byte> bytes;
};
using borrowed_runs = std::vector<borrowed_run>;

[[nodiscard]] inline std::size_t borrowed_size(const borrowed_runs& borrowed) noexcept {
    std::size_t size = 0;
    for (const borrowed_run& run : borrowed)
        size += run.bytes.size();
    return size;
}

}  // namespace cadre::detail
