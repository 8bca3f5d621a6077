/// @file
/// A store-load fence that puts its whole cost on the rare side: `light` is a compiler barrier, `heavy` makes every
/// thread of the process execute a full fence (membarrier(2), PRIVATE_EXPEDITED).
///
/// Together they order like two sequentially consistent fences: if one thread does `x = 1; light; read y` and another
/// `y = 1; heavy; read x`, at least one of them sees the other's store. Where the kernel refuses membarrier, and under
/// ThreadSanitizer, which does not model it, both are full fences.
#pragma once

#include <atomic>

#include <cadre/detail/base/fence.hpp>

namespace cadre::detail {

/// Whether the kernel supports membarrier; decided once, before any worker thread starts.
[[nodiscard]] bool membarrier_available() noexcept;
void membarrier_heavy() noexcept;
/// False also under ThreadSanitizer, and until it is initialised.
extern const bool fences_are_asymmetric;

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
