/// @file
/// The work-stealing deque of one worker (Chase and Lev, SPAA 2005; memory orders after Lê et al., PPoPP 2013), with
/// the pop's full fence moved to the thief.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <cadre/detail/asymmetric_fence.hpp>
#include <cadre/detail/work_item.hpp>

namespace cadre::detail {

/// Owner: push, pop, at the bottom, last in first out. Anyone: steal, at the top, first in first out.
///
/// Argument. `push` fills the cell, then stores bottom with release; `steal` reads bottom with acquire, so it sees the
/// cell. The race is between `pop` (store bottom = b, read top) and `steal` (read top, read bottom): both may see one
/// item. With a full fence between the two accesses on both sides at least one sees the other's and the compare-exchange
/// on top decides. `light_fence` in pop and `heavy_fence` in steal give exactly that order, see asymmetric_fence.hpp.
class work_deque {
public:
    work_deque() { buffer_.store(new_buffer(initial_capacity), std::memory_order_relaxed); }
    work_deque(const work_deque&) = delete;
    work_deque& operator=(const work_deque&) = delete;

    /// Owner only. Items become visible to thieves together, with one release store; `items[0]` is popped last.
    void push(std::span<work_item* const> items) {
        const std::int64_t b = bottom_.load(std::memory_order_relaxed);
        reserve(b, static_cast<std::int64_t>(items.size()));
        buffer* buf = buffer_.load(std::memory_order_relaxed);
        std::int64_t at = b;
        for (work_item* item : items)
            buf->put(at++, item);
        bottom_.store(at, std::memory_order_release);
    }
    void push(work_item* item) {
        const std::int64_t b = bottom_.load(std::memory_order_relaxed);
        reserve(b, 1);
        buffer_.load(std::memory_order_relaxed)->put(b, item);
        bottom_.store(b + 1, std::memory_order_release);
    }

    /// Owner only: the youngest item, without taking it; null if there is none (a thief may still take it).
    [[nodiscard]] work_item* peek() const noexcept {
        const std::int64_t b = bottom_.load(std::memory_order_relaxed);
        if (b == first_) return nullptr;
        return buffer_.load(std::memory_order_relaxed)->get(b - 1);
    }
    /// Owner only. @return null if empty
    [[nodiscard]] work_item* pop() noexcept {
        const std::int64_t b = bottom_.load(std::memory_order_relaxed) - 1;
        if (b < first_) return nullptr;
        bottom_.store(b, std::memory_order_relaxed);
        light_fence();
        std::int64_t t = top_.load(std::memory_order_relaxed);
        if (t < b) [[likely]]  // more than one item: thieves cannot reach this one
            return buffer_.load(std::memory_order_relaxed)->get(b);
        work_item* item = nullptr;
        if (t == b) {
            item = buffer_.load(std::memory_order_relaxed)->get(b);
            if (!top_.compare_exchange_strong(t, t + 1, std::memory_order_seq_cst, std::memory_order_relaxed))
                item = nullptr;
        }
        bottom_.store(b + 1, std::memory_order_relaxed);
        first_ = b + 1;
        return item;
    }
    /// Anyone, the owner too: the oldest item. @return null if empty or if another thread was faster
    [[nodiscard]] work_item* steal() noexcept {
        if (empty()) return nullptr;  // no heavy fence for an empty deque
        std::int64_t t = top_.load(std::memory_order_acquire);
        heavy_fence();
        const std::int64_t b = bottom_.load(std::memory_order_acquire);
        if (t >= b) return nullptr;
        work_item* item = buffer_.load(std::memory_order_acquire)->get(t);
        if (!top_.compare_exchange_strong(t, t + 1, std::memory_order_seq_cst, std::memory_order_relaxed))
            return nullptr;
        return item;
    }
    /// A hint.
    [[nodiscard]] bool empty() const noexcept {
        return bottom_.load(std::memory_order_acquire) <= top_.load(std::memory_order_acquire);
    }

private:
    static constexpr std::int64_t initial_capacity = 256;

    struct buffer {
        explicit buffer(std::int64_t n)
            : mask(n - 1), cells(std::make_unique<std::atomic<work_item*>[]>(static_cast<std::size_t>(n))) {}
        void put(std::int64_t i, work_item* item) noexcept {
            cells[static_cast<std::size_t>(i & mask)].store(item, std::memory_order_relaxed);
        }
        [[nodiscard]] work_item* get(std::int64_t i) const noexcept {
            return cells[static_cast<std::size_t>(i & mask)].load(std::memory_order_relaxed);
        }
        std::int64_t mask;
        std::unique_ptr<std::atomic<work_item*>[]> cells;
    };

    buffer* new_buffer(std::int64_t n) {
        buffers_.push_back(std::make_unique<buffer>(n));
        return buffers_.back().get();
    }
    void reserve(std::int64_t b, std::int64_t n) {
        if (b + n - cached_top_ <= buffer_.load(std::memory_order_relaxed)->mask) [[likely]]
            return;
        grow(b, n);
    }
    // Thieves may still read an old buffer, so all are kept until the deque goes; together they are no larger than the last.
    [[gnu::noinline]] void grow(std::int64_t b, std::int64_t n) {
        cached_top_ = top_.load(std::memory_order_acquire);
        const buffer* old = buffer_.load(std::memory_order_relaxed);
        std::int64_t size = old->mask + 1;
        if (b + n - cached_top_ < size) return;
        while (b + n - cached_top_ >= size)
            size *= 2;
        buffer* larger = new_buffer(size);
        for (std::int64_t i = cached_top_; i < b; ++i)
            larger->put(i, old->get(i));
        buffer_.store(larger, std::memory_order_release);
    }

    alignas(64) std::atomic<std::int64_t> top_{0};
    alignas(64) std::atomic<std::int64_t> bottom_{0};
    std::atomic<buffer*> buffer_{nullptr};
    // Owner only.
    std::int64_t first_ = 0;  // everything below has been taken: an empty deque is seen without touching top
    std::int64_t cached_top_ = 0;  // a lower bound of top
    std::vector<std::unique_ptr<buffer>> buffers_;
};

}  // namespace cadre::detail
