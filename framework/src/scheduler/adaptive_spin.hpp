/// @file
/// Decides from the length of recent sleeps whether to spin before the next sleep.
#pragma once

#include <chrono>

namespace cadre::detail {

/// Spins for as long as a sleep and a wake-up cost, which is at most twice the cost of the best choice (competitive
/// spinning: Karlin et al., SODA 1990), and only while recent spins succeeded, like KVM's halt polling: a short sleep
/// turns spinning on, two unsuccessful spins in a row turn it off. Used by one thread.
class adaptive_spin {
public:
    using clock = std::chrono::steady_clock;

    /// @param wake_cost    what a sleep and a wake-up cost
    /// @param short_sleep  sleeps below it turn spinning on
    constexpr adaptive_spin(std::chrono::nanoseconds wake_cost, std::chrono::nanoseconds short_sleep) noexcept
        : wake_cost_(wake_cost), short_sleep_(short_sleep) {}

    /// How long to spin before the next sleep; zero: not at all.
    [[nodiscard]] std::chrono::nanoseconds budget() const noexcept {
        return misses_ < max_misses ? wake_cost_ : std::chrono::nanoseconds(0);
    }
    /// A spin has ended. `found`: what the thread waited for arrived.
    void record_spin(bool found) noexcept { misses_ = found ? 0 : misses_ + 1; }
    /// A sleep has ended, because what the thread waited for arrived.
    void record_sleep(clock::duration length) noexcept {
        if (length < short_sleep_) misses_ = 0;
    }

private:
    static constexpr int max_misses = 2;
    std::chrono::nanoseconds wake_cost_;
    std::chrono::nanoseconds short_sleep_;
    int misses_ = max_misses;
};

}  // namespace cadre::detail
