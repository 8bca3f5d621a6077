/// @file
/// A mutex for critical sections of a few instructions.
#pragma once

#include <atomic>
#include <cstdint>

#include <cadre/detail/base/asymmetric_fence.hpp>

namespace cadre::detail {

/// Locks with one compare-exchange and unlocks with one plain store; under contention it spins briefly and then sleeps
/// in the kernel. Meets Lockable. An uncontended std::mutex takes three times as long, and a channel whose sender and
/// receiver share a thread is uncontended.
///
/// Unlike a std::mutex it must exist until `unlock` has returned, also if another thread has acquired it meanwhile.
///
/// | word | changed by | to | order |
/// | --- | --- | --- | --- |
/// | `locked_` | acquirer | true | compare-exchange, acquire |
/// | | owner | false | release, then a light fence, then it reads `sleepers_` |
/// | `sleepers_` | acquirer that is about to sleep | 1 | exchange, then a heavy fence, then it tries once more |
/// | | owner that has freed the lock and read 1 | 0 | exchange, then it wakes one sleeper |
///
/// So the owner sees `sleepers_`, or the acquirer gets the lock. An acquirer sleeps only while `sleepers_` is 1, and
/// leaves it 1 when it gets the lock: others may still sleep. tests/models/spin_mutex_model.hpp explores this.
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
        bool expected = false;
        return locked_.compare_exchange_strong(expected, true, std::memory_order_acquire, std::memory_order_relaxed);
    }
    void unlock() noexcept {
        locked_.store(false, std::memory_order_release);
        light_fence();
        if (sleepers_.load(std::memory_order_relaxed) != 0) [[unlikely]]
            wake_one();
    }

private:
    void lock_contended() noexcept;
    void wake_one() noexcept;

    std::atomic<bool> locked_{false};
    std::atomic<std::uint32_t> sleepers_{0};  // a futex
};

}  // namespace cadre::detail
