#include <cadre/detail/base/spin_mutex.hpp>

#include <cadre/detail/base/compiler.hpp>

namespace cadre::detail {

void spin_mutex::lock_contended() noexcept {
    // The holder needs some tens of nanoseconds, unless it was preempted; then only sleeping helps.
    for (int spin = 0; spin < 100; ++spin) {
        std::uint32_t expected = unlocked;
        if (word_.load(std::memory_order_relaxed) == unlocked &&
            word_.compare_exchange_weak(expected, locked, std::memory_order_acquire, std::memory_order_relaxed))
            return;
        cpu_relax();
    }
    // From here on the word says that somebody sleeps, also after this thread got the lock: it cannot know better.
    while (word_.exchange(locked_with_sleepers, std::memory_order_acquire) != unlocked)
        word_.wait(locked_with_sleepers, std::memory_order_relaxed);
}

}  // namespace cadre::detail
