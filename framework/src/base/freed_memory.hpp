/// @file
/// How much freed memory the C library keeps for the next allocations.
#pragma once

namespace cadre::detail {

/// Lets this process keep up to 16 MiB at the end of its heap instead of 128 KiB.
///
/// glibc gives the free end of the heap back to the system when it exceeds a bound, and takes it again with one fault a
/// page, which costs a call with a vector of 256 KiB four times the rest of its time. It raises that bound by itself
/// when a program frees a block that has a mapping of its own: to twice the size of the block (mallopt(3),
/// M_MMAP_THRESHOLD, "dynamic adjustment"). This function frees such a block, so what the user has set with
/// `MALLOC_TRIM_THRESHOLD_` or `GLIBC_TUNABLES` holds.
void keep_freed_memory() noexcept;

}  // namespace cadre::detail
