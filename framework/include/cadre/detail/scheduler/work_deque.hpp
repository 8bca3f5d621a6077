/// @file
/// The work-stealing deque of one worker (Chase and Lev, SPAA 2005; memory orders after Lê et al., PPoPP 2013), with
/// the pop's full fence moved to the thief.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include <cadre/detail/base/asymmetric_fence.hpp>
#include <cadre/detail/base/compiler.hpp>
#include <cadre/detail/coroutine/runnable.hpp>

namespace cadre::detail {

/// Owner: push and pop at the bottom, last in first out. Any thread: steal at the top, first in first out.
///
///     word     changed by                                              to          order
///     top_     thief, `steal`, and owner, `pop_last`: takes an item    top_ + 1    compare-exchange, seq_cst
///     bottom_  owner, `push`: publishes n items                        bottom_ + n store, release
///              owner, `pop`: claims the newest item                    bottom_ - 1 store, release
///              owner, `pop_last`: the deque is empty                   bottom_ + 1 store, relaxed
///     buffer_  owner, `grow`                                           new buffer  store, release
///     fenced_  owner, `begin_fenced`: its pops take a full fence       true        store, release
///              owner, `end_fenced`: then it takes one more             false       store, relaxed
///     first_   owner, `begin_fenced`, and thief, `steal`, before the   always      store, relaxed
///              membarrier: the next pop takes the slow path
///              owner, `end_fenced`, `pop_last`: up to there all are    a position  store, relaxed
///              taken
///     thieves_ thief, `steal`: reads a buffer                          n + 1       fetch_add, relaxed
///              thief, `steal`: has read it                             n - 1       fetch_sub, release
///     entries  owner, `push` and `grow`: outside of [top_, bottom_)    an item     store, relaxed
///
/// The items are those in [top_, bottom_).
///
/// Argument. `push` fills the entry, then stores bottom with release; `steal` reads bottom with acquire, so it sees the
/// entry. The race is between `pop` (store bottom = b, read top) and `steal` (read top, read bottom): both may see one
/// item. With a full fence between the two accesses on both sides at least one sees the other's and the
/// compare-exchange on top decides. A compiler fence in pop and `heavy_fence` in steal give exactly that order, see
/// asymmetric_fence.hpp; where the kernel has no such fence, every pop takes its slow path, which has a full one. `pop`
/// stores bottom with release as well: a thief may read that store instead of the push's, and has to see the entries
/// below it all the same.
///
/// `heavy_fence` interrupts the owner. So after a theft the owner uses full fences in its next pops, and thieves only
/// take one of their own; a thief that needs the membarrier asks for this with `first_`, and the owner begins in its
/// next pop. A request that the owner overwrites is repeated by the next thief. A thief reads top, takes the fence, and
/// then reads `fenced_`. If that is true, all unfenced pops before are visible, by the release; and the first unfenced
/// pop after reads top behind the fence of `end_fenced`, so it sees what the thief saw, or more: it does not take that
/// item without the compare-exchange.
///
/// Old buffers are freed when the deque grows and no thief is between its two changes of `thieves_`. One that comes
/// later reads the new buffer: a full fence on each side, between the change of one word and the read of the other.
class work_deque {
public:
    work_deque();
    work_deque(const work_deque&) = delete;
    work_deque& operator=(const work_deque&) = delete;
    ~work_deque();

    /// Owner only. Publishes `count` items to thieves together, with one release store; `item(0)` is popped last.
    template <class F>
    void push(std::size_t count, F item) {
        const std::int64_t b = bottom_.load(std::memory_order_relaxed);
        const std::int64_t end = b + static_cast<std::int64_t>(count);
        if (end > limit_) [[unlikely]]
            make_room(b, end);
        entry* const entries = entries_;
        const std::size_t mask = mask_;
        for (std::size_t i = 0; i < count; ++i)
            entries[(static_cast<std::size_t>(b) + i) & mask].store(item(i), std::memory_order_relaxed);
        bottom_.store(end, std::memory_order_release);
    }
    void push(runnable item) {
        push(1, [item](std::size_t) { return item; });
    }

    /// Owner only: removes the newest item. @return an empty runnable if there is none
    [[nodiscard]] runnable pop() noexcept {
        const std::int64_t b = bottom_.load(std::memory_order_relaxed) - 1;
        if (b < first_.load(std::memory_order_relaxed)) [[unlikely]]
            return pop_slow();
        bottom_.store(b, std::memory_order_release);
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (top_.load(std::memory_order_relaxed) < b) [[likely]]  // more than one item: thieves cannot reach this one
            return entries_[static_cast<std::size_t>(b) & mask_].load(std::memory_order_relaxed);
        return pop_last(b);
    }
    /// Owner only. The item, which a thief may be taking, is not removed. @return an empty runnable if there is none
    [[nodiscard]] runnable newest() const noexcept { return peek(bottom_.load(std::memory_order_relaxed) - 1); }
    [[nodiscard]] runnable oldest() const noexcept { return peek(top_.load(std::memory_order_relaxed)); }
    /// Any thread: removes the oldest item. @return an empty runnable if there is none, or if another thread took it
    [[nodiscard]] runnable steal() noexcept {
        return empty() ? runnable() : steal_from_filled();  // no fence for an empty deque
    }
    /// The same where the deque is known to hold items: bottom, whose line a busy owner takes back at each push, is
    /// read once only.
    [[nodiscard]] runnable steal_from_filled() noexcept;
    /// Owner only, called periodically: chooses the fence of the next pops by whether items were stolen since the last
    /// call.
    void watch_thieves() noexcept;
    /// Any thread, a hint: whether items are stolen often.
    [[nodiscard]] bool has_frequent_thieves() const noexcept {
        return fences_are_asymmetric && fenced_.load(std::memory_order_relaxed);
    }
    /// A hint.
    [[nodiscard]] std::size_t size() const noexcept {
        const std::int64_t n = bottom_.load(std::memory_order_acquire) - top_.load(std::memory_order_acquire);
        return n > 0 ? static_cast<std::size_t>(n) : 0;
    }
    /// A hint.
    [[nodiscard]] bool empty() const noexcept {
        return bottom_.load(std::memory_order_acquire) <= top_.load(std::memory_order_acquire);
    }

private:
    using entry = std::atomic<runnable>;
    static constexpr std::size_t initial_capacity = 256;
    static constexpr std::int64_t always = std::numeric_limits<std::int64_t>::max();

    static constexpr int fenced_run = 256;  // pops after a theft

    struct buffer {
        explicit buffer(std::size_t n);
        buffer(const buffer&) = delete;
        buffer& operator=(const buffer&) = delete;
        ~buffer() { ::operator delete(entries); }
        std::size_t mask;
        entry* entries;
    };

    [[nodiscard]] runnable peek(std::int64_t at) const noexcept {
        if (empty()) return {};
        return entries_[static_cast<std::size_t>(at) & mask_].load(std::memory_order_relaxed);
    }
    void begin_fenced() noexcept;
    void end_fenced() noexcept;
    void grow(std::size_t capacity, std::int64_t top, std::int64_t bottom);
    CADRE_RARE_CALL void make_room(std::int64_t begin, std::int64_t end) noexcept;
    [[nodiscard]] CADRE_RARE_CALL runnable pop_slow() noexcept;
    [[nodiscard]] CADRE_RARE_CALL runnable pop_last(std::int64_t b) noexcept;

    // On cache lines of their own: words that thieves write, words that they only read, and words of the owner.
    alignas(64) std::atomic<std::int64_t> top_{0};
    std::atomic<unsigned> thieves_{0};
    alignas(64) std::atomic<std::int64_t> bottom_{0};
    std::atomic<buffer*> buffer_{nullptr};
    std::atomic<bool> fenced_{!fences_are_asymmetric};
    // Owner only, but `first_`. All items below `first_` have been taken, so an empty deque is detected without a read
    // of top. `always`: pops take the slow path, with a full fence: all without asymmetric fences, else `fenced_pops_`
    // more.
    alignas(64) entry* entries_ = nullptr;
    std::size_t mask_ = 0;
    std::atomic<std::int64_t> first_{fences_are_asymmetric ? 0 : always};
    std::int64_t limit_ = 0;  // pushing up to here overwrites nothing
    std::int64_t known_top_ = 0;  // differs from top after a theft
    int fenced_pops_ = 0;
    std::vector<std::unique_ptr<buffer>> buffers_;
};

}  // namespace cadre::detail
