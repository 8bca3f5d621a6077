/// @file
/// Insertions into a map in shared memory, each under the lock.
#pragma once

#include "measure.hpp"

#include <cstddef>

namespace segment {

inline const int insertions = bench::scaled(100'000, 2'000);
inline constexpr std::size_t bytes = std::size_t{16} << 20;

/// The keys, in no order.
[[nodiscard]] inline int key(int i) { return static_cast<int>(static_cast<unsigned>(i) * 2654435761u >> 1); }

inline void report(std::string_view name, bench::clock::time_point begin) {
    bench::report(name, bench::seconds_since(begin) / insertions * 1e9, "ns");
}

}  // namespace segment
