#include <cadre/detail/call/map_pace.hpp>

#include <algorithm>
#include <utility>

namespace cadre::detail {

namespace {

constexpr double short_chunk_ns = 20'000;
constexpr double target_chunk_ns = 50'000;  // at least 20 µs of work in a chunk, with a margin
constexpr std::size_t largest_chunk = 8192;
// Of a plain function on a local executor: there a chunk costs little, and its items are in memory.
constexpr std::size_t largest_timed_chunk = 2048;
constexpr std::size_t timed_window = 32'768;
// The work of a raw chunk at the end of the input, and that of the items that a worker claims at a time.
constexpr double shortest_raw_chunk_ns = 5'000;
constexpr double claim_ns = 1'000;
constexpr std::size_t raw_chunk_bytes = std::size_t{1} << 20;
constexpr std::size_t largest_raw_chunk = std::size_t{1} << 16;
constexpr std::size_t interval = 64;  // chunks between two readings of the clock
// Tasks are taken for ones that do not wait when so many have ended without a wait.
constexpr std::size_t many_without_wait = 1024;
// Chunks of tasks grow when so many of them have ended without a wait.
constexpr std::size_t chunks_without_wait = 8;

}  // namespace

map_pace::map_pace(const map_options& options, std::size_t concurrency, std::optional<std::size_t> total,
                   map_traffic traffic)
    : concurrency_(std::max<std::size_t>(1, concurrency)), total_(total), fixed_window_(options.window),
      repeatable_(traffic.repeatable), coroutine_(traffic.coroutine),
      interval_start_(std::chrono::steady_clock::now()) {
    if (options.timeout.count() > 0) {
        chunk_ = 1;  // the limit applies to each item
    } else if (traffic.item_bytes != 0) {
        largest_ = std::clamp<std::size_t>(raw_chunk_bytes / traffic.item_bytes, 1, largest_raw_chunk);
        claim_ = options.chunk;
    } else if (options.chunk != 0) {
        chunk_ = std::min(options.chunk, std::size_t{1} << 20);
    } else {
        adapt_ = !coroutine_ && !repeatable_;
        timed_ = traffic.timed && !repeatable_;
    }
}

std::size_t map_pace::chunk() const noexcept {
    if (!raw()) return chunk_;
    std::size_t items = chunk_;
    if (total_) {
        // Chunks shrink towards the end, so that all workers end at about the same time.
        const std::size_t left = *total_ > sent_ ? *total_ - sent_ : 0;
        const auto shortest = static_cast<std::size_t>(shortest_raw_chunk_ns / std::max(1.0, item_ns_));
        items = std::min(items, std::max({left / (concurrency_ * 3), std::min(shortest, items), std::size_t{1}}));
    }
    if (claim_ != 0) items = std::max(claim_, items / claim_ * claim_);
    if (fixed_window_ != 0) items = std::min(items, std::max<std::size_t>(1, fixed_window_ / concurrency_));
    return std::min(items, largest_);
}

std::size_t map_pace::claim() const noexcept {
    if (claim_ != 0) return claim_;
    return static_cast<std::size_t>(std::clamp(claim_ns / std::max(1.0, item_ns_), 1.0, 1e9));
}

std::size_t map_pace::part(std::size_t items) const noexcept {
    if (coroutine_) return 1;
    const std::size_t even = (items + concurrency_ - 1) / concurrency_;
    return std::max<std::size_t>(claim_, even);
}

std::size_t map_pace::window() const noexcept {
    if (fixed_window_ != 0) return std::max<std::size_t>(fixed_window_, 1);
    // Many short chunks are sent, so that no worker's queue runs empty; few long ones, so that no worker holds items
    // that other workers could run.
    const std::size_t chunk = std::max(chunk_, claim_);
    const double chunk_ns = item_ns_ * static_cast<double>(chunk);
    const bool few = (!may_wait() && chunk_ns >= short_chunk_ns) || raw();
    const std::size_t chunks = !few ? 256 : chunk_ns < 200'000 ? 8 : 3;
    if ((timed_ || coroutine_) && !few)
        return std::min(concurrency_ * chunks * chunk, std::max(timed_window, 8 * concurrency_ * chunk));
    return concurrency_ * chunks * chunk;
}

std::size_t map_pace::refill_below() const noexcept {
    const std::size_t all = window();
    const bool many = fixed_window_ == 0 && !may_wait() && item_ns_ * static_cast<double>(chunk_) < short_chunk_ns;
    return many && !raw() ? all - all / 4 : all;
}

void map_pace::measured(std::size_t items, std::uint32_t nanoseconds) noexcept {
    if (coroutine_) return ran(items, std::chrono::nanoseconds(nanoseconds));
    if (!raw() || nanoseconds == 0 || items == 0) return;
    const double sample = static_cast<double>(nanoseconds) / static_cast<double>(items);
    item_ns_ = std::exchange(is_measured_, true) ? (item_ns_ + sample) / 2 : sample;
    const auto wanted = static_cast<std::size_t>(target_chunk_ns / std::max(0.1, item_ns_));
    chunk_ = std::clamp<std::size_t>(wanted, 1, std::min(chunk_ * 4, largest_));
}

void map_pace::ran(std::size_t items, std::chrono::nanoseconds duration) noexcept {
    if (!timed_ || items == 0) return;
    if (coroutine_ && duration.count() == 0) {
        without_wait_ = 0;
        chunk_ = std::max<std::size_t>(1, chunk_ / 4);
        return;
    }
    without_wait_ += items;
    const double sample = static_cast<double>(duration.count()) / static_cast<double>(items);
    item_ns_ = std::exchange(is_measured_, true) ? (item_ns_ + sample) / 2 : sample;
    const auto wanted = static_cast<std::size_t>(target_chunk_ns / std::max(1.0, item_ns_));
    const bool grows = !coroutine_ || without_wait_ >= chunks_without_wait * chunk_;
    chunk_ = leave_some(std::min({wanted, grows ? chunk_ * 4 : chunk_, largest_timed_chunk}));
}

bool map_pace::may_wait() const noexcept { return coroutine_ && without_wait_ < many_without_wait; }

// Enough chunks remain that all workers finish at about the same time.
std::size_t map_pace::leave_some(std::size_t chunk) const noexcept {
    if (total_) {
        const std::size_t left = *total_ > done_ ? *total_ - done_ : 0;
        chunk = std::min(chunk, left / (concurrency_ * 4));
    }
    return std::max<std::size_t>(1, chunk);
}

void map_pace::completed(std::size_t items) noexcept {
    done_ += items;
    if (raw() || timed_ || coroutine_ || repeatable_) return;
    interval_items_ += items;
    if (interval_items_ < std::min(interval * chunk_, std::max<std::size_t>(concurrency_ * chunk_ * 2, 8))) return;
    const auto now = std::chrono::steady_clock::now();
    const double elapsed = std::chrono::duration<double, std::nano>(now - interval_start_).count();
    const double sample = elapsed * static_cast<double>(concurrency_) / static_cast<double>(interval_items_);
    item_ns_ = (item_ns_ + sample) / 2;
    interval_items_ = 0;
    interval_start_ = now;
    if (!adapt_) return;
    auto wanted = static_cast<std::size_t>(std::max(1.0, target_chunk_ns / std::max(1.0, sample)));
    chunk_ = leave_some(std::min({wanted, chunk_ * 4, largest_chunk}));
}

}  // namespace cadre::detail
