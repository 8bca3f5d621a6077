#include "event_source_set.hpp"

#include <thread>

namespace cadre::detail {

void event_source_set::add(event_source& source) {
    const std::lock_guard hold(mutex_);
    if (!owner_.here()) {
        all_.clear();
        polling_.store(false, std::memory_order_relaxed);  // a thread that does not exist in the fork may have set it
        owner_ = process_owner();  // only in a fork, which has no poller yet: a poller reads it without the mutex
    }
    all_.push_back(&source);
    version_.fetch_add(1, std::memory_order_relaxed);
    count_.store(static_cast<unsigned>(all_.size()), std::memory_order_release);
}

void event_source_set::remove(event_source& source) {
    {
        const std::lock_guard hold(mutex_);
        std::erase(all_, &source);
        version_.fetch_add(1, std::memory_order_relaxed);
        count_.store(static_cast<unsigned>(all_.size()), std::memory_order_release);
    }
    heavy_fence();
    while (polling_.load(std::memory_order_acquire))
        std::this_thread::yield();
}

void event_source_set::copy() {
    const std::lock_guard hold(mutex_);
    visited_version_ = version_.load(std::memory_order_relaxed);
    visited_ = all_;
}

}  // namespace cadre::detail
