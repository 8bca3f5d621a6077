/// @file
/// A store-load fence whose whole cost is on the rare side: `light` is a compiler barrier, `heavy` makes every thread of
/// the process execute a full fence (membarrier(2), PRIVATE_EXPEDITED).
///
/// Together they order like two sequentially consistent fences: if one thread does `x = 1; light; read y` and another
/// `y = 1; heavy; read x`, at least one of them sees the other's store. Where the kernel refuses membarrier, and under
/// ThreadSanitizer, which does not understand it, both are full fences.
#pragma once

#include <atomic>

namespace cadre::detail {

/// Whether the kernel gives us membarrier; decided once, before any worker thread starts.
[[nodiscard]] bool membarrier_available() noexcept;
void membarrier_heavy() noexcept;
/// False also under ThreadSanitizer, and until it is initialised.
extern const bool fences_are_asymmetric;

/// A full fence; on x86 the `lock`-prefixed instruction, because some compilers emit the dearer `mfence`.
inline void full_fence() noexcept {
#if defined(__x86_64__)
    asm volatile("lock; orq $0, (%%rsp)" ::: "memory", "cc");
#else
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

inline void light_fence() noexcept {
    if (fences_are_asymmetric) [[likely]]
        std::atomic_signal_fence(std::memory_order_seq_cst);
    else
        full_fence();
}

inline void heavy_fence() noexcept {
    if (fences_are_asymmetric) [[likely]]
        membarrier_heavy();
    else
        full_fence();
}

}  // namespace cadre::detail
