/// @file
/// Memory for large buffers: populated in bulk, and used again.
#pragma once

#include <cstddef>

#include <cadre/detail/base/populate.hpp>

namespace cadre::detail {

/// From this size on a buffer is a mapping of its own.
inline constexpr std::size_t large_memory_from = populate_threshold;

/// @param size  raised to what was allocated
/// @throws std::bad_alloc, after the new-handler has been called
[[nodiscard]] std::byte* allocate_large(std::size_t& size);
/// Some blocks are kept for the next allocations, up to a number and 128 MiB; the largest if there are too many.
void free_large(std::byte* memory, std::size_t size) noexcept;

}  // namespace cadre::detail
