/// @file
/// Whether workers have sent something, read without the pool's locks.
#pragma once

#include "process/parent/worker_set.hpp"

#include <cadre/detail/base/asymmetric_fence.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace cadre::detail::process_parent {

/// What the application's loop polls: it takes a lock only if this reports an unread event. The loop visits a copy of
/// the list of workers; the thread that removes a worker waits until the loop does not visit one.
///
///     word       changed by                                            to       order
///     version_   the set of workers has changed, under both locks      + 1      fetch_add, relaxed
///     visiting_  the loop, before it reads the version                 true     store, relaxed; then a light fence
///                the loop, after its visit                             false    store, release
///
/// `worker_removed` changes the version, issues a heavy fence, and waits until `visiting_` is false: either the loop
/// sees the new version, or `worker_removed` sees that it visits.
class unread_events {
public:
    /// @param capacity how many workers there are at most
    explicit unread_events(std::uint32_t capacity) { visited_.reserve(capacity); }

    /// With both locks, after the change.
    void worker_added() noexcept { version_.fetch_add(1, std::memory_order_relaxed); }
    /// With both locks, after the removal, before the worker is destroyed.
    void worker_removed() noexcept {
        version_.fetch_add(1, std::memory_order_relaxed);
        heavy_fence();
        while (visiting_.load(std::memory_order_acquire))
            std::this_thread::yield();
    }

    // For the application's loop.

    /// False: nothing that was published before the caller's last full fence is unread, but for what another thread is
    /// about to read. True: maybe.
    [[nodiscard]] bool any() noexcept {
        return visit([](const worker_connection& c) { return c.link.events().maybe_ready(); });
    }
    /// Whether `f` is true of a worker; true if the list of workers has changed. `f` takes no lock.
    template <class F>
    [[nodiscard]] bool visit(F f) noexcept {
        visiting_.store(true, std::memory_order_relaxed);
        light_fence();
        const bool found =
            version_.load(std::memory_order_relaxed) != visited_version_ ||
            std::any_of(visited_.begin(), visited_.end(), [&](const worker_connection* c) { return f(*c); });
        visiting_.store(false, std::memory_order_release);
        return found;
    }
    /// Copies the list if it has changed. Needs one of the locks.
    void refresh(const worker_set& workers) noexcept {
        const std::uint64_t now = version_.load(std::memory_order_relaxed);
        if (now == visited_version_) return;
        visited_.assign(workers.begin(), workers.end());
        visited_version_ = now;
    }

private:
    std::atomic<std::uint64_t> version_{0};
    std::atomic<bool> visiting_{false};
    std::vector<const worker_connection*> visited_;  // the loop's copy
    std::uint64_t visited_version_ = 0;
};

}  // namespace cadre::detail::process_parent
