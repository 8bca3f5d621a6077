/// @file
/// Requests of other threads to the thread that owns MPI, and the sleep of that thread.
#pragma once

#include "node/node_link.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

namespace cadre::detail::mpi {

/// A message to send; or, if `drain` is set, the request to withdraw unsent work.
struct request {
    node::target to{};
    node::node_id agent = 0;
    bool drain = false;
    byte_buffer body{};
};

class mailbox {
public:
    /// Thread-safe; wakes the owner.
    void add(request what);
    /// Thread-safe.
    void wake() noexcept;

    /// For the owner: whether a request may have been added.
    [[nodiscard]] bool any() const noexcept { return any_.load(std::memory_order_relaxed); }
    /// For the owner: takes the requests that were added since the last call, in order. `into` must be empty.
    void take(std::vector<request>& into);
    /// For the owner: sleeps until a request is added, `wake` is called, or `max_time` has passed. May wake spuriously.
    void sleep(std::chrono::nanoseconds max_time) noexcept;

private:
    enum : std::uint32_t { awake, notified, asleep };

    std::mutex mutex_{};  // a leaf lock; guards `added_`
    std::vector<request> added_{};
    std::atomic<bool> any_{false};  // whether `added_` has elements; set under the mutex
    // `awake`    | the owner before it sleeps          -> `asleep`   (unless notified: it does not sleep)
    // any        | a waker                            -> `notified` (and wakes the owner if it was asleep)
    // any        | the owner after its sleep          -> `awake`
    std::atomic<std::uint32_t> state_{awake};
};

}  // namespace cadre::detail::mpi
