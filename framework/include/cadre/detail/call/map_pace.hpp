/// @file
/// How large the chunks of a map are and how many items are in flight.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include <cadre/map_options.hpp>

namespace cadre::detail {

/// How the chunks of a map are sent.
struct map_traffic {
    bool coroutine = false;  ///< the items are tasks: those that wait are sent singly, so that they wait together
    bool timed = false;  ///< the time of items is measured where they run
    bool repeatable = false;  ///< nothing is adapted to time: see `repeatable_order`
    std::size_t item_bytes = 0;  ///< of arguments and result in a raw chunk; 0: chunks are not raw
};

/// Sizes of chunks and of the window, from the measured time of an item. A raw chunk carries many of what the user
/// calls a chunk: its worker claims them one by one.
class map_pace {
public:
    map_pace(const map_options& options, std::size_t concurrency, std::optional<std::size_t> total,
             map_traffic traffic);
    /// Items for the next chunk.
    [[nodiscard]] std::size_t chunk() const noexcept;
    /// Items of a raw chunk that a worker claims at a time.
    [[nodiscard]] std::size_t claim() const noexcept;
    /// Items for each part of `items` that were taken back from a busy worker.
    [[nodiscard]] std::size_t part(std::size_t items) const noexcept;
    /// Items that may be in flight.
    [[nodiscard]] std::size_t window() const noexcept;
    /// More items are sent once fewer than this are in flight: short chunks are cheaper sent many at a time.
    [[nodiscard]] std::size_t refill_below() const noexcept;
    void sent(std::size_t items) noexcept { sent_ += items; }
    void completed(std::size_t items) noexcept;
    /// Records how long a chunk has kept its worker; 0: not measured, or a task of the chunk has waited.
    void measured(std::size_t items, std::uint32_t nanoseconds) noexcept;
    /// Records how long the items of a timed chunk have run; 0: a task of the chunk may have waited.
    void ran(std::size_t items, std::chrono::nanoseconds duration) noexcept;
    /// Records that a chunk of tasks has been ended, most likely by a task that waits: it may wait for later items.
    void ended_early() noexcept { without_wait_ = 0; }
    /// Whether a chunk may be ended by a task that waits.
    [[nodiscard]] bool is_free() const noexcept { return timed_ && coroutine_; }

private:
    /// Whether the items may be ones that wait. These take no time of their worker, so many are in flight.
    [[nodiscard]] bool may_wait() const noexcept;
    [[nodiscard]] std::size_t leave_some(std::size_t chunk) const noexcept;
    [[nodiscard]] bool raw() const noexcept { return largest_ != 0; }

    std::size_t concurrency_;
    std::optional<std::size_t> total_;
    std::size_t chunk_ = 1;
    std::size_t claim_ = 0;  // fixed by the user; 0: chosen here
    std::size_t largest_ = 0;  // raw chunk; 0: chunks are not raw
    std::size_t fixed_window_ = 0;
    bool repeatable_ = false;
    bool adapt_ = false;
    bool timed_ = false;
    bool coroutine_ = false;
    bool is_measured_ = false;
    std::size_t without_wait_ = 0;  // items that have ended since one has waited
    std::size_t done_ = 0;
    std::size_t sent_ = 0;
    std::size_t interval_items_ = 0;
    double item_ns_ = 20'000;
    std::chrono::steady_clock::time_point interval_start_;
};

/// The limit of the time that a chunk waits for its items: slow sources send smaller chunks.
class chunk_wait {
public:
    /// Whether to send a chunk that has `items`. Reads the clock rarely while the source is fast.
    [[nodiscard]] bool ends(std::size_t items) const noexcept {
        return (items % 64 == 0 || (items & (items - 1)) == 0) && std::chrono::steady_clock::now() - begin_ > limit;
    }

private:
    static constexpr std::chrono::microseconds limit{50};
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// The items of a map that are in flight: decides when more are sent, counts and reports those that have completed.
class map_window {
public:
    map_window(const map_options& options, std::size_t concurrency, std::optional<std::size_t> total,
               map_traffic traffic)
        : pace_(options, concurrency, total, traffic), progress_(options.progress), total_(total.value_or(0)) {}

    [[nodiscard]] bool wants_more() noexcept {
        filling_ = in_flight_ < (filling_ ? pace_.window() : pace_.refill_below());
        return filling_;
    }
    [[nodiscard]] bool idle() const noexcept { return in_flight_ == 0; }
    [[nodiscard]] std::size_t window() const noexcept { return pace_.window(); }
    [[nodiscard]] std::size_t chunk() const noexcept { return pace_.chunk(); }
    [[nodiscard]] std::size_t claim() const noexcept { return pace_.claim(); }
    [[nodiscard]] bool is_free() const noexcept { return pace_.is_free(); }
    [[nodiscard]] std::size_t part(std::size_t items) const noexcept { return pace_.part(items); }
    void measured(std::size_t items, std::uint32_t nanoseconds) noexcept { pace_.measured(items, nanoseconds); }

    void ran(std::size_t items, std::chrono::nanoseconds duration) noexcept { pace_.ran(items, duration); }
    void ended_early() noexcept { pace_.ended_early(); }

    void sent(std::size_t items) noexcept {
        in_flight_ += items;
        pace_.sent(items);
    }
    /// Items that were in flight and are about to be sent again.
    void returned(std::size_t items) noexcept { in_flight_ -= items; }
    void completed(std::size_t items) noexcept {
        in_flight_ -= items;
        done_ += items;
        pace_.completed(items);
    }
    /// Each call reports more items than the one before.
    void report() {
        if (progress_ && done_ != std::exchange(reported_, done_)) progress_(done_, total_);
    }

private:
    map_pace pace_;
    progress_callback progress_;
    std::size_t total_;  // 0: unknown
    bool filling_ = true;
    std::size_t in_flight_ = 0;
    std::size_t done_ = 0;
    std::size_t reported_ = 0;
};

}  // namespace cadre::detail
