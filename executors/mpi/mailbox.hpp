/// @file
/// Requests to the engine, and the sleep of the thread of the link.
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
    /// Thread-safe. Wakes no thread.
    void add(request what);
    /// Thread-safe. Wakes the thread of the link.
    void wake() noexcept;

    /// Whether a request may have been added. Thread-safe.
    [[nodiscard]] bool any() const noexcept { return any_.load(std::memory_order_relaxed); }
    /// For the thread that has the turn: takes the requests that were added since the last call, in order. `into` must
    /// be empty.
    void take(std::vector<request>& into);
    /// For the thread of the link: sleeps until `wake` is called or `max_time` has passed. May wake spuriously.
    void sleep(std::chrono::nanoseconds max_time) noexcept;

private:
    enum : std::uint32_t { awake, notified, asleep };

    std::mutex mutex_{};  // a leaf lock; guards `added_`
    std::vector<request> added_{};
    std::atomic<bool> any_{false};  // whether `added_` has elements; set under the mutex
    // `awake`    | the link's thread before it sleeps     -> `asleep`   (unless notified: it does not sleep)
    // any        | a waker                            -> `notified` (and wakes the thread if it was asleep)
    // any        | the link's thread after its sleep     -> `awake`
    std::atomic<std::uint32_t> state_{awake};
};

}  // namespace cadre::detail::mpi
