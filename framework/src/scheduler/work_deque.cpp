#include <cadre/detail/scheduler/work_deque.hpp>

#include <memory>
#include <new>

#include <cadre/detail/base/populate.hpp>

namespace cadre::detail {

work_deque::buffer::buffer(std::size_t n)
    : mask(n - 1), entries(static_cast<entry*>(::operator new(n * sizeof(entry)))) {
    populate_for_writing(entries, n * sizeof(entry));
    std::uninitialized_value_construct_n(entries, n);
}

work_deque::work_deque() { grow(initial_capacity, 0, 0); }
work_deque::~work_deque() = default;

void work_deque::grow(std::size_t capacity, std::int64_t top, std::int64_t bottom) {
    const entry* const old = entries_;
    const std::size_t old_mask = mask_;
    buffers_.push_back(std::make_unique<buffer>(capacity));
    entries_ = buffers_.back()->entries;
    mask_ = buffers_.back()->mask;
    for (std::int64_t i = top; i < bottom; ++i)
        entries_[static_cast<std::size_t>(i) & mask_].store(
            old[static_cast<std::size_t>(i) & old_mask].load(std::memory_order_relaxed), std::memory_order_relaxed);
    buffer_.store(buffers_.back().get(), std::memory_order_release);
    full_fence();  // see `steal`
    if (thieves_.load(std::memory_order_acquire) == 0) buffers_.erase(buffers_.begin(), buffers_.end() - 1);
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

void work_deque::watch_thieves() noexcept {
    const std::int64_t top = top_.load(std::memory_order_relaxed);
    if (top == known_top_) return;
    known_top_ = top;
    if (!fences_are_asymmetric) return;  // all pops are fenced
    if (fenced_pops_ == 0) begin_fenced();
    fenced_pops_ = fenced_run;
}

void work_deque::begin_fenced() noexcept {
    first_.store(always, std::memory_order_relaxed);
    fenced_.store(true, std::memory_order_release);
}

void work_deque::end_fenced() noexcept {
    fenced_.store(false, std::memory_order_relaxed);
    full_fence();
    first_.store(top_.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

// The deque is empty, or pops are fenced.
runnable work_deque::pop_slow() noexcept {
    watch_thieves();
    if (first_.load(std::memory_order_relaxed) != always) return {};
    if (fences_are_asymmetric && fenced_pops_ == 0) {  // a thief asks for it
        begin_fenced();
        fenced_pops_ = fenced_run;
    }
    const std::int64_t b = bottom_.load(std::memory_order_relaxed) - 1;
    if (b < top_.load(std::memory_order_relaxed)) return {};
    if (fenced_pops_ == 1) end_fenced();  // this pop is still fenced
    if (fenced_pops_ != 0) --fenced_pops_;
    bottom_.store(b, std::memory_order_release);
    full_fence();
    if (top_.load(std::memory_order_relaxed) < b)
        return entries_[static_cast<std::size_t>(b) & mask_].load(std::memory_order_relaxed);
    return pop_last(b);
}

// The owner and thieves may both claim this item: the compare-exchange on top decides.
runnable work_deque::pop_last(std::int64_t b) noexcept {
    runnable item;
    std::int64_t t = top_.load(std::memory_order_relaxed);
    if (t == b && top_.compare_exchange_strong(t, t + 1, std::memory_order_seq_cst, std::memory_order_relaxed)) {
        item = entries_[static_cast<std::size_t>(b) & mask_].load(std::memory_order_relaxed);
        ++known_top_;
    }
    bottom_.store(b + 1, std::memory_order_relaxed);
    if (first_.load(std::memory_order_relaxed) != always) first_.store(b + 1, std::memory_order_relaxed);
    return item;
}

runnable work_deque::steal_from_filled() noexcept {
    std::int64_t t = top_.load(std::memory_order_acquire);
    thieves_.fetch_add(1, std::memory_order_relaxed);
    full_fence();  // before the reads of `fenced_`, of bottom, if its owner fences, and of the buffer
    if (!fenced_.load(std::memory_order_acquire)) {
        first_.store(always, std::memory_order_relaxed);
        heavy_fence();
    }
    const std::int64_t b = bottom_.load(std::memory_order_acquire);
    runnable item;
    if (t < b) {
        const buffer* const now = buffer_.load(std::memory_order_acquire);
        item = now->entries[static_cast<std::size_t>(t) & now->mask].load(std::memory_order_relaxed);
    }
    thieves_.fetch_sub(1, std::memory_order_release);
    if (!item || !top_.compare_exchange_strong(t, t + 1, std::memory_order_seq_cst, std::memory_order_relaxed))
        return {};
    return item;
}

}  // namespace cadre::detail
