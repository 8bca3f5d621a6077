/// @file
/// A slot through which a worker that spins for work takes one item directly from its submitter, without the queue.
#pragma once

#include <atomic>
#include <cstdint>

#include <cadre/detail/base/compiler.hpp>
#include <cadre/detail/coroutine/work_item.hpp>

namespace cadre::detail {

/// A word on a cache line of its own that moves once to the submitter and once to the worker: a queue moves several
/// lines, and some of them twice. One worker at a time offers; the submitter does not touch the pool after it has
/// handed the item over, so it need not be counted.
///
///     state     changed by                                           to         order
///     none      a worker, `offer`                                    offered    compare-exchange, relaxed
///     offered   a submitter, `hand_over`: the worker runs the item   the item   compare-exchange, acq_rel
///               the worker that offered, `withdraw`                  none       compare-exchange, acquire
///     an item   the worker that offered, `reset`                     none       store, release
///
/// The release of `hand_over` pairs with the acquire of `poll` and `withdraw`.
class hand_over_slot {
public:
    /// Worker: offers to run one item. @return false if another worker offers
    [[nodiscard]] bool offer() noexcept {
        std::uintptr_t expected = none;
        return word_.load(std::memory_order_relaxed) == none &&
               word_.compare_exchange_strong(expected, offered, std::memory_order_relaxed);
    }
    /// The worker that offers: the item that was handed over, or null. `reset` follows once the item has run.
    [[nodiscard]] work_item* poll() const noexcept { return item_of(word_.load(std::memory_order_acquire)); }
    /// The worker that offers: ends the offer. @return an item that was handed over before, or null
    [[nodiscard]] work_item* withdraw() noexcept {
        std::uintptr_t word = offered;
        if (word_.compare_exchange_strong(word, none, std::memory_order_acquire)) return nullptr;
        return item_of(word);
    }
    void reset() noexcept { word_.store(none, std::memory_order_release); }

    /// Any thread. @return whether a worker runs the item now
    [[nodiscard]] bool hand_over(work_item& item) noexcept {
        prefetch_for_writing(&word_);  // a load alone would fetch the line twice
        std::uintptr_t expected = offered;
        return word_.load(std::memory_order_relaxed) == offered &&
               word_.compare_exchange_strong(expected, reinterpret_cast<std::uintptr_t>(&item),
                                             std::memory_order_acq_rel);
    }

private:
    static constexpr std::uintptr_t none = 0;
    static constexpr std::uintptr_t offered = 1;
    [[nodiscard]] static work_item* item_of(std::uintptr_t word) noexcept {
        return word > offered ? reinterpret_cast<work_item*>(word) : nullptr;
    }

    alignas(64) std::atomic<std::uintptr_t> word_{none};
};

}  // namespace cadre::detail
