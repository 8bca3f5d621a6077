/// @file
/// Which items of a chunk of tasks have begun, and when such a chunk has run for long.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace cadre::detail {

/// A chunk of tasks runs in one coroutine, which begins one item after the other. If the coroutine suspends, or ends
/// because its items take long, the thread that has begun the chunk takes the items that are left and returns them to
/// the map: waiting tasks wait at the same time, and other workers may run the remaining items. By then another thread
/// may have resumed the coroutine: each item goes to one side.
///
///     word          to                 by                                             order
///     i < size      i + 1              the coroutine: begins item i                   compare-exchange, relaxed
///     i             size               the coroutine: nothing is to be returned       compare-exchange, relaxed
///     i             ended, i           the thread that has begun the chunk            fetch_or, relaxed
///
/// The items were written before the chunk began; nothing is published here.
class item_claims {
public:
    explicit item_claims(std::uint32_t size) noexcept : size_(size) {}

    /// The coroutine: the next item; none is left for it.
    [[nodiscard]] std::optional<std::uint32_t> next() noexcept {
        std::uint64_t now = word_.load(std::memory_order_relaxed);
        while (now < size_)
            if (word_.compare_exchange_weak(now, now + 1, std::memory_order_relaxed))
                return static_cast<std::uint32_t>(now);
        return std::nullopt;
    }
    /// The coroutine: it begins no further item, and none is returned.
    void keep_rest() noexcept {
        std::uint64_t now = word_.load(std::memory_order_relaxed);
        while (now < size_ && !word_.compare_exchange_weak(now, size_, std::memory_order_relaxed)) {
        }
    }
    /// The thread that has begun the chunk: takes what is left. @return the first of those items; `size()` before the
    /// call: none was left
    [[nodiscard]] std::uint32_t take_rest() noexcept {
        return static_cast<std::uint32_t>(word_.fetch_or(ended, std::memory_order_relaxed));
    }
    /// The items of the chunk without those that were taken. Both sides.
    [[nodiscard]] std::uint32_t size() const noexcept {
        const std::uint64_t now = word_.load(std::memory_order_relaxed);
        return (now & ended) != 0 ? static_cast<std::uint32_t>(now) : size_;
    }

private:
    static constexpr std::uint64_t ended = std::uint64_t{1} << 63;

    const std::uint32_t size_;
    std::atomic<std::uint64_t> word_{0};
};

/// Whether a chunk of tasks has run for so long that other workers should have its rest: its items take longer than
/// those by which its size was chosen. Reads the clock rarely while items are short.
class chunk_turn {
public:
    /// Called between two items.
    [[nodiscard]] bool is_over() noexcept {
        if (++items_ < stride_) return false;
        items_ = 0;
        const auto now = std::chrono::steady_clock::now();
        const bool short_items = now - std::exchange(before_, now) < short_stride;
        stride_ = short_items ? std::min(2 * stride_, longest_stride) : 1;
        return now - begin_ > limit;
    }

private:
    static constexpr std::chrono::microseconds limit{500};
    static constexpr std::chrono::microseconds short_stride{5};
    static constexpr unsigned longest_stride = 32;

    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point before_ = begin_;
    unsigned items_ = 0;
    unsigned stride_ = 1;
};

}  // namespace cadre::detail
