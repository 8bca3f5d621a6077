#include <cadre/detail/call/map_pace.hpp>

#include <algorithm>

namespace cadre::detail {

namespace {

constexpr double short_chunk_ns = 20'000;
constexpr double target_chunk_ns = 50'000;  // at least 20 µs of work a chunk, with room for error
constexpr std::size_t largest_chunk = 8192;
constexpr std::size_t interval = 64;  // chunks between two readings of the clock

}  // namespace

map_pace::map_pace(const map_options& options, std::size_t concurrency, std::optional<std::size_t> total,
                   bool coroutine)
    : concurrency_(std::max<std::size_t>(1, concurrency)), total_(total), fixed_window_(options.window),
      coroutine_(coroutine), interval_start_(std::chrono::steady_clock::now()) {
    if (options.timeout.count() > 0)
        chunk_ = 1;  // the limit applies to each item
    else if (options.chunk != 0)
        chunk_ = std::min(options.chunk, std::size_t{1} << 20);
    else
        adapt_ = !coroutine;  // tasks that wait are to wait at the same time
    if (coroutine) item_ns_ = 1'000;
}

std::size_t map_pace::window() const noexcept {
    if (fixed_window_ != 0) return std::max<std::size_t>(fixed_window_, 1);
    // Many short chunks, so that no worker's queue runs empty; few long ones, so that no worker keeps what others could run.
    const double chunk_ns = item_ns_ * static_cast<double>(chunk_);
    const std::size_t chunks = chunk_ns < short_chunk_ns ? 256 : chunk_ns < 200'000 ? 8 : 3;
    return concurrency_ * chunks * chunk_;
}

std::size_t map_pace::refill_below() const noexcept {
    const std::size_t all = window();
    const bool many = fixed_window_ == 0 && !coroutine_ && item_ns_ * static_cast<double>(chunk_) < short_chunk_ns;
    return many ? all - all / 4 : all;
}

void map_pace::completed(std::size_t items) noexcept {
    done_ += items;
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
    wanted = std::min({wanted, chunk_ * 4, largest_chunk});
    if (total_) {
        // Enough chunks remain that all workers finish at about the same time.
        const std::size_t left = *total_ > done_ ? *total_ - done_ : 0;
        wanted = std::min(wanted, std::max<std::size_t>(1, left / (concurrency_ * 4)));
    }
    chunk_ = std::max<std::size_t>(1, wanted);
}

}  // namespace cadre::detail
