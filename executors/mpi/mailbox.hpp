/// @file
/// What other threads ask of the thread that owns MPI, and its sleep in between.
#pragma once

#include "node/node_link.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

namespace cadre::detail::mpi {

/// A message to send; or, if `drain` is set, the request to give work back.
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

    /// For the owner: whether something may have been added.
    [[nodiscard]] bool any() const noexcept { return any_.load(std::memory_order_relaxed); }
    /// For the owner: everything that was added since the last call, in order. `into` is empty before.
    void take(std::vector<request>& into);
    /// For the owner: sleeps until something is added, `wake` is called, or the time has passed. May return early.
    void sleep(std::chrono::nanoseconds at_most) noexcept;

private:
    enum : std::uint32_t { awake, notified, asleep };

    std::mutex mutex_{};  // a leaf: guards the vector
    std::vector<request> added_{};
    std::atomic<bool> any_{false};  // whether the vector has elements; set under the mutex
    // `awake`    | the owner before it sleeps          -> `asleep`   (unless notified: it does not sleep)
    // any        | a waker                            -> `notified` (and wakes the owner if it was asleep)
    // any        | the owner after its sleep          -> `awake`
    std::atomic<std::uint32_t> state_{awake};
};

}  // namespace cadre::detail::mpi
