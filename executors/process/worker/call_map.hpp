/// @file
/// The calls of a worker by ticket: how a stop request finds its call.
#pragma once

#include "process/worker/worker_call.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace cadre::detail::process_worker {

/// The calls that this worker has claimed and not finished. Thread-safe, but for `size` and the claims, which are the
/// loop thread's.
class call_map {
public:
    call_map() : buckets_(64) {}

    /// A call is about to be claimed from the ring; `end_claim` follows when it is in the map, or none was claimed.
    void begin_claim() noexcept { claiming_.store(true, std::memory_order_relaxed); }
    void end_claim() noexcept { claiming_.store(false, std::memory_order_release); }

    void insert(worker_call& call);
    void erase(worker_call& call) noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// Calls `visit` for each call, with the lock held: it lives until `visit` returns.
    template <class Visit>
    void visit(Visit visit) {
        const std::lock_guard hold(mutex_);
        for (worker_call* call : buckets_)
            for (; call != nullptr; call = call->chain)
                visit(*call);
    }

    /// Requests a stop of the call if it has not finished. Waits for a claim that is under way.
    void request_stop(std::uint64_t ticket, stop_reason why) noexcept;

private:
    [[nodiscard]] worker_call* find_locked(std::uint64_t ticket) noexcept;
    [[nodiscard]] bool try_request_stop(std::uint64_t ticket, stop_reason why) noexcept;
    // Tickets number the parent's records, which are dense: the low bits spread well.
    [[nodiscard]] worker_call*& bucket(std::uint64_t ticket) noexcept {
        return buckets_[ticket & (buckets_.size() - 1)];
    }
    void grow();

    std::mutex mutex_;  // under it: the table, and `mark` and `announce` of stop states; no user code
    std::vector<worker_call*> buckets_;
    std::size_t size_ = 0;  // changed and read by the loop's thread alone
    // Set by the loop's thread alone. `true` precedes the claim, whose compare-and-swap releases it; `false` is a
    // release after the insertion.
    std::atomic<bool> claiming_{false};
};

}  // namespace cadre::detail::process_worker
