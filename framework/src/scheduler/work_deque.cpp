#include <cadre/detail/scheduler/work_deque.hpp>

namespace cadre::detail {

work_deque::work_deque() { grow(initial_capacity, 0, 0); }

// Thieves may still read an old buffer, so all are kept until the deque is destroyed; together they are no larger than the last.
void work_deque::grow(std::size_t capacity, std::int64_t top, std::int64_t bottom) {
    const cell* const old = cells_;
    const std::size_t old_mask = mask_;
    buffers_.push_back(std::make_unique<buffer>(capacity));
    cells_ = buffers_.back()->cells.get();
    mask_ = buffers_.back()->mask;
    for (std::int64_t i = top; i < bottom; ++i)
        cells_[static_cast<std::size_t>(i) & mask_].store(
            old[static_cast<std::size_t>(i) & old_mask].load(std::memory_order_relaxed), std::memory_order_relaxed);
    buffer_.store(buffers_.back().get(), std::memory_order_release);
}

// Without memory for work that is accepted already there is no way to report the failure: the program terminates.
void work_deque::make_room(std::int64_t begin, std::int64_t end) noexcept {
    const std::int64_t top = top_.load(std::memory_order_acquire);
    std::size_t capacity = mask_ + 1;
    while (end - top > static_cast<std::int64_t>(capacity))
        capacity *= 2;
    if (capacity != mask_ + 1) grow(capacity, top, begin);
    limit_ = top + static_cast<std::int64_t>(capacity);
}

// The deque is empty, or there is no asymmetric fence and every pop comes here.
runnable work_deque::pop_slow() noexcept {
    if (first_ != always) return {};
    const std::int64_t b = bottom_.load(std::memory_order_relaxed) - 1;
    if (b < top_.load(std::memory_order_relaxed)) return {};
    bottom_.store(b, std::memory_order_release);
    full_fence();
    if (top_.load(std::memory_order_relaxed) < b)
        return cells_[static_cast<std::size_t>(b) & mask_].load(std::memory_order_relaxed);
    return pop_last(b);
}

// The owner and thieves may both claim this item: the compare-exchange on top decides.
runnable work_deque::pop_last(std::int64_t b) noexcept {
    runnable item;
    std::int64_t t = top_.load(std::memory_order_relaxed);
    if (t == b && top_.compare_exchange_strong(t, t + 1, std::memory_order_seq_cst, std::memory_order_relaxed))
        item = cells_[static_cast<std::size_t>(b) & mask_].load(std::memory_order_relaxed);
    bottom_.store(b + 1, std::memory_order_relaxed);
    if (first_ != always) first_ = b + 1;
    return item;
}

runnable work_deque::steal() noexcept {
    if (empty()) return {};  // no heavy fence for an empty deque
    std::int64_t t = top_.load(std::memory_order_acquire);
    heavy_fence();
    const std::int64_t b = bottom_.load(std::memory_order_acquire);
    if (t >= b) return {};
    const buffer* const now = buffer_.load(std::memory_order_acquire);
    const runnable item = now->cells[static_cast<std::size_t>(t) & now->mask].load(std::memory_order_relaxed);
    if (!top_.compare_exchange_strong(t, t + 1, std::memory_order_seq_cst, std::memory_order_relaxed)) return {};
    return item;
}

}  // namespace cadre::detail
