/// @file
/// The event sources of this process, polled by one thread at a time without a lock.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "base/process_owner.hpp"

#include <cadre/detail/base/asymmetric_fence.hpp>
#include <cadre/detail/scheduler/event_source.hpp>

namespace cadre::detail {

/// Any thread adds and removes; the poller visits. When one thread gives the role up and another one takes it, a lock
/// of the caller orders their visits.
///
///     word      changed by                                      to          order
///     count_    `add` and `remove`, under the mutex             the size    store, release
///     version_  `add` and `remove`, under the mutex             + 1         fetch_add, relaxed
///     polling_  the poller, before it reads the version         true        store, relaxed; then a light fence
///               the poller, after its visits                    false       store, release
///
/// `remove` changes the version, issues a heavy fence, and waits until `polling_` is false: either the poller sees the
/// new version, or `remove` sees that it polls.
class event_source_set {
public:
    void add(event_source& source);
    /// Returns when the source is not being visited. A source that is being visited must not call it.
    void remove(event_source& source);
    [[nodiscard]] bool empty() const noexcept { return count_.load(std::memory_order_acquire) == 0; }

    /// Poller only.
    template <class F>
    void for_each(F f) {
        if (empty() || !owner_.here()) return;
        polling_.store(true, std::memory_order_relaxed);
        light_fence();
        if (version_.load(std::memory_order_relaxed) != visited_version_) copy();
        for (event_source* source : visited_)
            f(*source);
        polling_.store(false, std::memory_order_release);
    }

private:
    void copy();

    std::mutex mutex_;
    std::vector<event_source*> all_;
    process_owner owner_{};  // of the present sources: a fork must not take events of its parent
    std::atomic<unsigned> count_{0};
    std::atomic<unsigned> version_{0};
    std::atomic<bool> polling_{false};
    std::vector<event_source*> visited_;  // the poller's copy
    unsigned visited_version_ = 0;
};

}  // namespace cadre::detail
