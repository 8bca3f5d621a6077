/// @file
/// The queue of a pool that every thread may push to.
#pragma once

#include <atomic>
#include <mutex>
#include <utility>

#include <cadre/detail/coroutine/work_item.hpp>

namespace cadre::detail {

/// A first-in first-out queue under a mutex. Thread-safe.
class injection_queue {
public:
    void push(work_item_queue items) noexcept {
        const std::lock_guard hold(mutex_);
        items_.splice_back(std::move(items));
        has_items_.store(true, std::memory_order_release);
    }
    /// The oldest item; null if the queue is empty.
    [[nodiscard]] work_item* pop() noexcept {
        if (empty()) return nullptr;
        const std::lock_guard hold(mutex_);
        work_item* const item = items_.pop_front();
        if (items_.empty()) has_items_.store(false, std::memory_order_release);
        return item;
    }
    /// A hint without the lock.
    [[nodiscard]] bool empty() const noexcept { return !has_items_.load(std::memory_order_acquire); }

private:
    std::mutex mutex_;  // a leaf: guards the queue
    work_item_queue items_;
    std::atomic<bool> has_items_{false};  // written under the mutex
};

}  // namespace cadre::detail
