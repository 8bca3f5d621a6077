/// @file
/// Page faults in bulk.
#pragma once

#include <cstddef>

namespace cadre::detail {

/// Below this size the faults cost less than the system call.
inline constexpr std::size_t populate_threshold = std::size_t{256} << 10;

void populate_pages(void* memory, std::size_t bytes) noexcept;
void map_pages(const void* memory, std::size_t bytes) noexcept;

/// Memory that is about to be written whole: gets its pages with one system call (madvise(2), MADV_POPULATE_WRITE)
/// instead of one fault each, which costs a fraction. A hint: nothing happens for small memory, or where the kernel
/// refuses.
inline void populate_for_writing(void* memory, std::size_t bytes) noexcept {
    if (bytes >= populate_threshold) populate_pages(memory, bytes);
}

/// The same for shared memory that is about to be read whole, and that another process has written
/// (MADV_POPULATE_READ).
inline void populate_for_reading(const void* memory, std::size_t bytes) noexcept {
    if (bytes >= populate_threshold) map_pages(memory, bytes);
}

}  // namespace cadre::detail
