/// @file
/// Which item of a chunk with a time limit is in work, and since when: a word by which the parent stops that item and
/// no other.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <limits>

namespace cadre::detail::process_plane {

/// One timed chunk in its worker. The word is (tag of the call, item, phase); a swap that finds another call or item
/// fails.
///
/// | from | to | by | when | order |
/// | --- | --- | --- | --- | --- |
/// | any | (tag, 0, between) | parent | before it publishes the call | relaxed |
/// | (tag, i, between) | (tag, i, running) | worker | item i begins, after it stored `begun` | release |
/// | (tag, i, running) | (tag, i + 1, between) | worker | item i has ended | relaxed |
/// | (tag, i, between or running) | (tag, i, stopped) | parent | the limit of item i has passed | relaxed |
///
/// A worker that finds `stopped` begins no further item of the chunk. So a stop request or a kill, which follow the
/// last transition, cannot reach the item after the one that they are meant for.
struct item_watch {
    enum class phase : std::uint64_t { between = 0, running = 1, stopped = 2 };

    std::atomic<std::uint64_t> word;
    std::atomic<std::int64_t> begun;  // worker: when its item began, steady clock in nanoseconds

    static constexpr std::uint64_t pack(std::uint64_t ticket, std::uint32_t item, phase p) noexcept {
        return ticket << 34 | std::uint64_t{item} << 2 | static_cast<std::uint64_t>(p);
    }
    static constexpr std::uint32_t item_of(std::uint64_t word) noexcept {
        return static_cast<std::uint32_t>(word >> 2);
    }
    static constexpr phase phase_of(std::uint64_t word) noexcept { return static_cast<phase>(word & 3); }

    // The worker's side.
    void begin(std::uint64_t ticket, std::uint32_t item, std::int64_t now) noexcept {
        begun.store(now, std::memory_order_relaxed);
        std::uint64_t expected = pack(ticket, item, phase::between);
        // Release: a reader that sees the item running also sees its begin, or that of a later item.
        word.compare_exchange_strong(expected, pack(ticket, item, phase::running), std::memory_order_release,
                                     std::memory_order_relaxed);
    }
    /// @return whether the chunk continues: the item, if it still ran, was not stopped
    [[nodiscard]] bool end(std::uint64_t ticket) noexcept {
        std::uint64_t now = word.load(std::memory_order_relaxed);
        if (phase_of(now) == phase::running)
            word.compare_exchange_strong(now, pack(ticket, item_of(now) + 1, phase::between),
                                         std::memory_order_relaxed);
        return phase_of(now) != phase::stopped;
    }

    // The parent's side.
    void reset(std::uint64_t ticket) noexcept {
        word.store(pack(ticket, 0, phase::between), std::memory_order_relaxed);
    }
    /// Stops the item that `seen`, a value of the word, names. @return false if it has begun or ended since
    [[nodiscard]] bool stop(std::uint64_t seen) noexcept {
        return word.compare_exchange_strong(
            seen, (seen & ~std::uint64_t{3}) | static_cast<std::uint64_t>(phase::stopped), std::memory_order_relaxed);
    }
};

/// The maximum number of timed chunks of several items that one worker has at a time, with a watch each. A further
/// chunk runs one item, and its rest is sent again.
inline constexpr std::uint32_t item_watches = 64;
inline constexpr std::uint32_t no_watch = std::numeric_limits<std::uint32_t>::max();

/// Which watches of a worker are in use.
class watch_set {
public:
    /// @return `no_watch` if all are in use
    [[nodiscard]] std::uint32_t take() noexcept {
        const auto i = static_cast<std::uint32_t>(std::countr_one(used_));
        if (i >= item_watches) return no_watch;
        used_ |= std::uint64_t{1} << i;
        return i;
    }
    void give_back(std::uint32_t watch) noexcept {
        if (watch != no_watch) used_ &= ~(std::uint64_t{1} << watch);
    }

private:
    std::uint64_t used_ = 0;
    static_assert(item_watches == 64);
};

}  // namespace cadre::detail::process_plane
