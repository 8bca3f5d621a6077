/// @file
/// How large the chunks of a map are and how many items are in flight.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include <cadre/map_options.hpp>

namespace cadre::detail {

/// Sizes of chunks and of the window, from the measured time of an item.
class map_pace {
public:
    map_pace(const map_options& options, std::size_t concurrency, std::optional<std::size_t> total, bool coroutine);
    /// Items for the next chunk.
    [[nodiscard]] std::size_t chunk() const noexcept { return chunk_; }
    /// Items that may be in flight.
    [[nodiscard]] std::size_t window() const noexcept;
    /// More items are sent once fewer than this are in flight: short chunks are cheaper sent many at a time.
    [[nodiscard]] std::size_t refill_below() const noexcept;
    void completed(std::size_t items) noexcept;

private:
    std::size_t concurrency_;
    std::optional<std::size_t> total_;
    std::size_t chunk_ = 1;
    std::size_t fixed_window_ = 0;
    bool adapt_ = false;
    bool coroutine_ = false;
    std::size_t done_ = 0;
    std::size_t interval_items_ = 0;
    double item_ns_ = 20'000;
    std::chrono::steady_clock::time_point interval_start_;
};

/// The items of a map that are in flight: decides when more are sent, counts and reports those that have completed.
class map_window {
public:
    map_window(const map_options& options, std::size_t concurrency, std::optional<std::size_t> total, bool coroutine)
        : pace_(options, concurrency, total, coroutine), progress_(options.progress), total_(total.value_or(0)) {}

    [[nodiscard]] bool wants_more() noexcept {
        filling_ = in_flight_ < (filling_ ? pace_.window() : pace_.refill_below());
        return filling_;
    }
    [[nodiscard]] bool idle() const noexcept { return in_flight_ == 0; }
    [[nodiscard]] std::size_t chunk() const noexcept { return pace_.chunk(); }

    void sent(std::size_t items) noexcept { in_flight_ += items; }
    /// Items that were in flight and are about to be sent again.
    void returned(std::size_t items) noexcept { in_flight_ -= items; }
    void completed(std::size_t items) noexcept {
        in_flight_ -= items;
        done_ += items;
        pace_.completed(items);
    }
    void report() const {
        if (progress_) progress_(done_, total_);
    }

private:
    map_pace pace_;
    progress_callback progress_;
    std::size_t total_;  // 0: unknown
    bool filling_ = true;
    std::size_t in_flight_ = 0;
    std::size_t done_ = 0;
};

}  // namespace cadre::detail
