/// @file
/// The number of placements of 14 queens on a board. Every legal placement of one more queen is a task, which receives
/// a copy of the board.
#pragma once

#include "measure.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace nqueens {

/// The row of the queen in each column.
template <std::size_t N>
using board = std::array<std::int8_t, N>;

/// Whether a queen in `row` of `column` is attacked by none in the columns before.
template <std::size_t N>
[[nodiscard]] bool is_legal(const board<N>& queens, std::size_t column, int row) {
    for (std::size_t x = 0; x != column; ++x) {
        const int other = queens[x];
        const int distance = static_cast<int>(column - x);
        if (other == row || other == row - distance || other == row + distance) return false;
    }
    return true;
}

inline constexpr std::size_t full_size = 14;
inline constexpr std::size_t quick_size = 8;
template <std::size_t N>
inline constexpr int answer = N == full_size ? 365'596 : 92;

/// Calls `f.operator()<N>()` with the size of this run.
template <class F>
void with_size(F f) {
    if (bench::quick)
        f.template operator()<quick_size>();
    else
        f.template operator()<full_size>();
}

}  // namespace nqueens
