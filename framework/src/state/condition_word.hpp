/// @file
/// The waiters of a condition variable in one process, and the notifications that were given to them.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace cadre::detail {

/// waiters << 32 | notifications. There are never more notifications than waiters. Every change is a sequentially
/// consistent compare-and-swap, so that a death leaves one of these states:
///
/// | state  | changed by                                            | to           |
/// | ------ | ----------------------------------------------------- | ------------ |
/// | (w, n) | the process, for a waiter that begins                 | (w + 1, n)   |
/// |        | a notifier in any process, n < w                      | (w, n + 1)   |
/// |        | the process, n > 0: a waiter takes a notification     | (w - 1, n - 1) |
/// |        | the process, n < w: a waiter is cancelled             | (w - 1, n)   |
/// |        | the supervisor, if the process is dead                | (0, 0)       |
///
/// `Word` is another type in the model that explores this code, tests/models/condition_model.hpp.
template <class Word = std::atomic<std::uint64_t>>
class condition_word {
public:
    explicit condition_word(Word& word) noexcept : word_(word) {}

    void enter() noexcept { word_.fetch_add(one_waiter); }
    [[nodiscard]] bool take() noexcept {
        std::uint64_t w = word_.load();
        for (unsigned tries = 0; tries != max_retries && notifications(w) != 0; ++tries)
            if (word_.compare_exchange_strong(w, w - one_waiter - 1)) return true;
        return false;
    }
    /// @return false if all waiters are notified: then it has taken a notification
    [[nodiscard]] bool withdraw() noexcept {
        std::uint64_t w = word_.load();
        for (unsigned tries = 0; tries != max_retries; ++tries) {
            const bool notified = notifications(w) >= waiters(w);
            if (word_.compare_exchange_strong(w, w - one_waiter - (notified ? 1 : 0))) return !notified;
        }
        return true;
    }
    /// Notifies up to `count` waiters. @return how many
    [[nodiscard]] std::uint32_t grant(std::uint32_t count) noexcept {
        std::uint64_t w = word_.load();
        for (unsigned tries = 0; tries != max_retries && notifications(w) < waiters(w); ++tries) {
            const std::uint32_t given = std::min(count, waiters(w) - notifications(w));
            if (word_.compare_exchange_strong(w, w + given)) return given;
        }
        return 0;
    }
    /// Supervisor. @return the notifications that no waiter has taken
    [[nodiscard]] std::uint32_t clear() noexcept {
        const std::uint64_t w = word_.exchange(0);
        return std::min(notifications(w), waiters(w));
    }

private:
    static constexpr std::uint64_t one_waiter = std::uint64_t{1} << 32;
    static constexpr unsigned max_retries = 1u << 20;  // other processes can make a compare-and-swap fail
    [[nodiscard]] static constexpr std::uint32_t waiters(std::uint64_t w) noexcept {
        return static_cast<std::uint32_t>(w >> 32);
    }
    [[nodiscard]] static constexpr std::uint32_t notifications(std::uint64_t w) noexcept {
        return static_cast<std::uint32_t>(w);
    }

    Word& word_;
};

}  // namespace cadre::detail
