/// @file
/// One worker of a thread pool.
#pragma once

#include "parking_spot.hpp"
#include "thread_pool.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>

#include <cadre/detail/scheduler/local_worker.hpp>

namespace cadre::detail {

class thread_pool::worker final : public local_worker {
public:
    worker(thread_pool& pool, std::size_t index)
        : local_worker(&pool, index), pool_(pool), random_(index * 2654435761u + 1) {
        watch_sleepers(pool.sleeping_);
    }
    [[nodiscard]] bool spawn(promise_base& task) noexcept override {
        if (deque().newest().is_fork()) return false;  // see thread_pool::submit
        // A task that spawns many does not return to the loop, where thieves are watched otherwise.
        if (++spawned_ % watch_interval == 0) deque().watch_thieves();
        fork(runnable::spawned(task));
        return true;
    }
    void defer(work_item* item) noexcept override {
        pool_.inject(*item);
        wake_one();  // this thread takes the item after what is queued now, unless a sleeper is faster
    }
    [[nodiscard]] bool waits_for_others() noexcept override {
        return others_asleep() + 1 < pool_.workers_.size() && deque().empty() && pool_.injected_.empty();
    }
    /// Whether to run its own oldest item before its newest. A fork only at intervals: the first forks are the largest,
    /// and memory grows with the number of started tasks.
    [[nodiscard]] bool oldest_is_due() noexcept {
        const runnable oldest = deque().oldest();
        if (!oldest.is_fork()) return static_cast<bool>(oldest);
        const auto now = std::chrono::steady_clock::now();
        if (now < next_old_fork_) return false;
        next_old_fork_ = now + old_fork_interval;
        return true;
    }
    /// xorshift (Marsaglia, J. Stat. Soft. 2003): which victim to try first.
    [[nodiscard]] std::size_t random() noexcept {
        random_ ^= random_ << 13;
        random_ ^= random_ >> 7;
        random_ ^= random_ << 17;
        return random_;
    }

    using local_worker::full_poll_due;
    parking_spot spot;
    unsigned full_polls = 0;
    bool in_reactor = false;  // runs handlers of events, and the tasks that they resume, while it counts as a sleeper
    bool is_sleeper = false;  // in sleepers_; under the mutex of that list
    bool destroys_pool = false;  // a task on it has dropped the last handle

private:
    static constexpr std::chrono::milliseconds old_fork_interval{10};
    static constexpr unsigned watch_interval = 64;  // spawned tasks

    [[nodiscard]] std::size_t others_asleep() const noexcept {
        const std::size_t all = pool_.sleeping_.load(std::memory_order_relaxed);
        return all - (in_reactor && all != 0 ? 1 : 0);
    }
    // A sleeper watches timers and events, so they count only while no other worker sleeps.
    [[nodiscard]] bool has_other_work() noexcept override {
        if (!deque().empty() || !pool_.injected_.empty()) return true;
        if (others_asleep() != 0) return false;
        const std::optional<steady_time> due = pool_.timers_.empty() ? std::nullopt : pool_.timers_.next();
        return pool_.reactor_.get() != nullptr || (due && *due <= std::chrono::steady_clock::now());
    }
    void wake_one() noexcept override {
        light_fence();
        if (pool_.sleeping_.load(std::memory_order_relaxed) != 0) pool_.wake_one();
    }

    thread_pool& pool_;
    std::size_t random_;
    unsigned spawned_ = 0;
    std::chrono::steady_clock::time_point next_old_fork_ = std::chrono::steady_clock::now() + old_fork_interval;
};

}  // namespace cadre::detail
