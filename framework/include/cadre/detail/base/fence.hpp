/// @file
/// A sequentially consistent fence.
#pragma once

#include <atomic>

namespace cadre::detail {

/// Orders like `std::atomic_thread_fence(seq_cst)`. On x86 a `lock`-prefixed instruction, because some compilers emit
/// the slower `mfence`. ThreadSanitizer models neither.
inline void full_fence() noexcept {
#if defined(__x86_64__)
    asm volatile("lock; orl $0, (%%rsp)" ::: "memory", "cc");
#else
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

}  // namespace cadre::detail
