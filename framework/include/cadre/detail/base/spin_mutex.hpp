/// @file
/// A mutex of one word for critical sections of a few instructions.
#pragma once

#include <atomic>
#include <cstdint>

namespace cadre::detail {

/// Locks with one compare-exchange and unlocks with one exchange; under contention it spins briefly and then sleeps in
/// the kernel. Meets Lockable. An uncontended std::mutex takes twice as long, and a channel whose sender and receiver
/// share a thread is uncontended.
///
/// State of `word_`        | changed by          | to                      | order
/// `unlocked`              | an acquirer         | `locked`                | acquire
/// `unlocked`              | a contended acquirer| `locked_with_sleepers`  | acquire
/// `locked`                | a contended acquirer| `locked_with_sleepers`  | acquire (it then sleeps)
/// either locked state     | the owner           | `unlocked`              | release (notifies sleepers)
class spin_mutex {
public:
    spin_mutex() noexcept = default;
    spin_mutex(const spin_mutex&) = delete;
    spin_mutex& operator=(const spin_mutex&) = delete;

    void lock() noexcept {
        if (!try_lock()) [[unlikely]]
            lock_contended();
    }
    [[nodiscard]] bool try_lock() noexcept {
        std::uint32_t expected = unlocked;
        return word_.compare_exchange_strong(expected, locked, std::memory_order_acquire, std::memory_order_relaxed);
    }
    void unlock() noexcept {
        if (word_.exchange(unlocked, std::memory_order_release) == locked_with_sleepers) [[unlikely]]
            word_.notify_one();
    }

private:
    enum : std::uint32_t { unlocked, locked, locked_with_sleepers };
    void lock_contended() noexcept;

    std::atomic<std::uint32_t> word_{unlocked};
};

}  // namespace cadre::detail
