#include <cadre/detail/base/spin_mutex.hpp>

#include <cadre/detail/base/compiler.hpp>

namespace cadre::detail {

void spin_mutex::lock_contended() noexcept {
    // The owner needs some tens of nanoseconds, unless it was preempted: then sleeping is better.
    for (int spin = 0; spin < 100; ++spin) {
        std::uint32_t expected = unlocked;
        if (word_.load(std::memory_order_relaxed) == unlocked &&
            word_.compare_exchange_weak(expected, locked, std::memory_order_acquire, std::memory_order_relaxed))
            return;
        cpu_relax();
    }
    // The state remains `locked_with_sleepers` after this thread has acquired the lock: other threads may still sleep.
    while (word_.exchange(locked_with_sleepers, std::memory_order_acquire) != unlocked)
        word_.wait(locked_with_sleepers, std::memory_order_relaxed);
}

}  // namespace cadre::detail
