#include <cadre/detail/base/spin_mutex.hpp>

#include <cadre/detail/base/compiler.hpp>

namespace cadre::detail {

void spin_mutex::lock_contended() noexcept {
    // The owner needs some tens of nanoseconds, unless it was preempted: then sleeping is better.
    for (int spin = 0; spin < 100; ++spin) {
        if (!locked_.load(std::memory_order_relaxed) && try_lock()) return;
        cpu_relax();
    }
    for (;;) {
        sleepers_.exchange(1, std::memory_order_relaxed);
        heavy_fence();
        if (try_lock()) return;
        sleepers_.wait(1, std::memory_order_relaxed);
    }
}

void spin_mutex::wake_one() noexcept {
    if (sleepers_.exchange(0, std::memory_order_seq_cst) != 0) sleepers_.notify_one();
}

}  // namespace cadre::detail
