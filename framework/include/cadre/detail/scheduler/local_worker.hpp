/// @file
/// One worker of a local executor: its deque of forked work, and how it hands work to other threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include <cadre/detail/base/compiler.hpp>
#include <cadre/detail/scheduler/work_deque.hpp>

namespace cadre {
class executor_backend;
}

namespace cadre::detail {

class polled_item;

/// The extension of a serial loop with a virtual clock or a seed (`executor_backend::query`): what runs next there must
/// not depend on the time that something took.
struct repeatable_order {};
[[nodiscard]] bool has_repeatable_order(executor_backend& backend) noexcept;

/// A thread of a pool, or a serial loop. `this_thread_worker` points to it while its thread runs items. Only that
/// thread calls its functions, except `deque()`, from which other workers steal.
class local_worker {
public:
    local_worker(executor_backend* backend, std::size_t index) noexcept : backend_(backend), index_(index) {}
    virtual ~local_worker() = default;

    [[nodiscard]] executor_backend* backend() const noexcept { return backend_; }
    [[nodiscard]] std::size_t index() const noexcept { return index_; }

    /// Pushes work that other workers may steal; this worker runs the newest item first.
    template <class F>
    void fork(std::size_t count, F item) {
        deque_.push(count, item);
        announce();
    }
    void fork(runnable item) {
        deque_.push(item);
        announce();
    }
    /// Queues a task to start, which any worker may take; without a work item. @return false: the caller posts one
    [[nodiscard]] virtual bool spawn(promise_base& task) noexcept;
    /// Queues `item` behind all work that is queued now.
    virtual void defer(work_item* item) noexcept = 0;

    /// Returns true if this worker is idle while another one is active; the caller may then spin before it suspends.
    [[nodiscard]] virtual bool waits_for_others() noexcept { return false; }

    /// Lets this worker poll for the completion of `item` while it has no other work. @return false if the worker does
    /// not poll for it
    [[nodiscard]] virtual bool expect(polled_item& item) noexcept;
    virtual void expect_no_more(polled_item& item) noexcept;

    /// Returns true if this worker has other work. A long-running item polls this and yields.
    [[nodiscard]] bool others_wait() noexcept { return has_other_work(); }

    [[nodiscard]] work_deque& deque() noexcept { return deque_; }

    /// Fairness: returns false once in `fairness_interval` calls; the task then returns to the worker's loop, which
    /// polls all sources of work.
    [[nodiscard]] bool may_continue() noexcept { return --turns_ > 0; }
    /// Fairness for a task whose operations complete without waiting: returns true if the next operation has to
    /// suspend.
    [[nodiscard]] bool should_yield() noexcept { return --budget_ == 0 && reset_and_check(); }
    /// For an item that runs many short tasks: each task has a full budget, as if the loop had begun it. The loop's own
    /// count is restored afterwards.
    class turns_of_item {
    public:
        explicit turns_of_item(local_worker* worker) noexcept
            : worker_(worker), turns_(worker == nullptr ? 0 : worker->turns_) {}
        turns_of_item(const turns_of_item&) = delete;
        turns_of_item& operator=(const turns_of_item&) = delete;
        ~turns_of_item() {
            if (worker_ != nullptr) worker_->turns_ = turns_;
        }

    private:
        local_worker* worker_;
        int turns_;
    };
    /// Within `turns_of_item`: the next task begins.
    void begin_turn() noexcept {
        turns_ = fairness_interval;
        budget_ = full_budget;
    }

protected:
    /// Returns true if the loop would find other work than the running task.
    [[nodiscard]] virtual bool has_other_work() noexcept { return true; }
    /// Whether the loop has to poll all sources of work before its newest item this time.
    [[nodiscard]] bool full_poll_due() noexcept {
        if (--turns_ > 0) return false;
        turns_ = fairness_interval;
        return true;
    }
    /// For a pool whose idle workers sleep: `sleepers` is not zero while one does, see thread_pool.
    void watch_sleepers(const std::atomic<std::uint32_t>& sleepers) noexcept {
        sleepers_ = fences_are_asymmetric ? &sleepers : &some_sleepers;
    }
    /// From now on `wake_one` is called after each push.
    void announce_every_push() noexcept { sleepers_ = &some_sleepers; }
    /// After how many operations that complete at once the next one suspends.
    void set_budget(int operations) noexcept { budget_ = operations; }
    /// Wakes one sleeping worker. Called after a push while workers may sleep; without asymmetric fences after each
    /// push.
    virtual void wake_one() noexcept {}

private:
    static constexpr std::atomic<std::uint32_t> no_sleepers{0};
    static constexpr std::atomic<std::uint32_t> some_sleepers{1};

    // Pairs with a worker that parks: it adds itself to the sleepers, issues a heavy fence, and polls every deque once
    // more. Either it sees the new item or this function sees the sleeper.
    void announce() noexcept {
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (sleepers_->load(std::memory_order_relaxed) != 0) [[unlikely]]
            wake_sleeper();
    }
    CADRE_RARE_CALL void wake_sleeper() noexcept;
    [[nodiscard]] CADRE_RARE_CALL bool reset_and_check() noexcept;

    static constexpr int fairness_interval = 61;
    static constexpr int full_budget = 2048;  // operations that complete at once, some tens of nanoseconds each

    work_deque deque_;
    const std::atomic<std::uint32_t>* sleepers_ = &no_sleepers;
    int turns_ = fairness_interval;
    int budget_ = full_budget;
    executor_backend* backend_;
    std::size_t index_;
};

CADRE_THREAD_LOCAL extern local_worker* this_thread_worker;

/// Fairness, after an operation that did not wait: whether the task may continue. If not, it suspends and calls
/// `make_way`.
[[nodiscard]] inline bool task_may_continue() noexcept {
    local_worker* const worker = this_thread_worker;
    return worker == nullptr || !worker->should_yield();
}

/// `begin_turn` of the worker of this thread.
inline void begin_worker_turn() noexcept {
    if (local_worker* const worker = this_thread_worker; worker != nullptr) worker->begin_turn();
}

/// The worker of this thread if it belongs to `backend`, else null.
[[nodiscard]] inline local_worker* worker_of(const executor_backend* backend) noexcept {
    local_worker* w = this_thread_worker;
    return w != nullptr && w->backend() == backend ? w : nullptr;
}

/// Defers `item`, which resumes the task that runs, behind all queued work. @return false if this thread is no worker
/// of its home
[[nodiscard]] bool defer_home(work_item& item) noexcept;
/// Fairness, for an operation that did not wait: `defer_home` if the task has to yield. @return whether it was
/// deferred
[[nodiscard]] inline bool make_way(work_item& item) noexcept { return !task_may_continue() && defer_home(item); }

}  // namespace cadre::detail
