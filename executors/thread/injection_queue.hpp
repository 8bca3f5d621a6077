/// @file
/// The queue of a pool that every thread may push to.
#pragma once

#include <atomic>
#include <mutex>
#include <span>

#include <cadre/detail/coroutine/work_item.hpp>

namespace cadre::detail {

/// A first-in first-out queue: publishers push to a stack without a lock, the workers move the stack to a queue under a
/// mutex. The two halves are on cache lines of their own: a push costs a worker that polls the queue one transfer.
/// Thread-safe.
///
///     word        changed by                                          to                order
///     inbox_      `push`, any thread                                  longer stack      compare-exchange, seq_cst
///                 `pop`, under the mutex: takes all                   null              exchange, acq_rel
///     has_items_  `pop`, before it takes the stack                    true              store, relaxed
///                 `pop`, of the last item                             false             store, release
///
/// The release of the exchange: a thread that sees the stack empty sees `has_items_` while items are in the queue.
/// `push` is sequentially consistent for a publisher that afterwards reads whether a worker sleeps.
class injection_queue {
public:
    void push(std::span<work_item* const> items) noexcept {
        if (items.empty()) return;
        for (std::size_t i = items.size() - 1; i != 0; --i)
            items[i]->next = items[i - 1];
        work_item* head = nullptr;  // most often; reading it first would cost one more transfer of the cache line
        do
            items.front()->next = head;
        while (!inbox_.compare_exchange_weak(head, items.back(), std::memory_order_seq_cst, std::memory_order_relaxed));
    }
    /// The oldest item; null if the queue is empty.
    [[nodiscard]] work_item* pop() noexcept {
        if (empty()) return nullptr;
        const std::lock_guard hold(mutex_);
        if (items_.empty()) drain_inbox();
        work_item* const item = items_.pop_front();
        if (items_.empty()) has_items_.store(false, std::memory_order_release);
        return item;
    }
    /// A hint without the lock.
    [[nodiscard]] bool empty() const noexcept {
        return inbox_.load(std::memory_order_acquire) == nullptr && !has_items_.load(std::memory_order_acquire);
    }

private:
    void drain_inbox() noexcept {
        has_items_.store(true, std::memory_order_relaxed);  // before the inbox is seen empty
        for (work_item* item = inbox_.exchange(nullptr, std::memory_order_acq_rel); item != nullptr;) {
            work_item* const older = item->next;
            items_.push_front(*item);
            item = older;
        }
    }

    alignas(64) std::atomic<work_item*> inbox_{nullptr};  // newest first
    alignas(64) std::mutex mutex_;  // a leaf: guards the queue
    work_item_queue items_;
    std::atomic<bool> has_items_{false};
};

}  // namespace cadre::detail
