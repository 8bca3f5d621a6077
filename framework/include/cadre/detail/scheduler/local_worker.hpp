/// @file
/// The thread-side of a local executor: the deque that forks push to, and how to hand work to other threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include <cadre/detail/base/compiler.hpp>
#include <cadre/detail/scheduler/work_deque.hpp>

namespace cadre {
class executor_backend;
}

namespace cadre::detail {

/// One worker of a local executor (a thread of a pool, or a serial loop). `this_thread_worker` is set while its
/// thread runs items.
class local_worker {
public:
    local_worker(executor_backend* backend, std::size_t index) noexcept : backend_(backend), index_(index) {}
    virtual ~local_worker() = default;

    [[nodiscard]] executor_backend* backend() const noexcept { return backend_; }
    [[nodiscard]] std::size_t index() const noexcept { return index_; }

    /// Work that other workers may steal; the youngest is run first, here.
    template <class F>
    void fork(std::size_t count, F item) {
        deque_.push(count, item);
        announce();
    }
    void fork(runnable item) {
        deque_.push(item);
        announce();
    }
    /// Behind everything that is queued now.
    virtual void defer(work_item* item) noexcept = 0;

    /// Whether all that is left to do is with other workers, awake ones: then a task here may wait for them for a moment.
    [[nodiscard]] virtual bool waits_for_others() noexcept { return false; }

    /// Whether other work waits for this worker: a long-running item asks now and then, and makes way.
    [[nodiscard]] bool others_wait() noexcept { return anything_else(); }

    [[nodiscard]] work_deque& deque() noexcept { return deque_; }

    /// Fairness: whether a task may go on with its own newest work. Once in a while it may not, and returns to the
    /// worker's loop, which then looks at what others wait for.
    [[nodiscard]] bool may_run_on() noexcept { return --turns_ > 0; }
    /// The same for a task that finds all it asks for and so never has to wait: whether it is to suspend nevertheless.
    [[nodiscard]] bool has_to_make_way() noexcept { return --finds_ == 0 && count_again_and_look(); }

protected:
    /// Whether the loop would find something else to do than the task that runs.
    [[nodiscard]] virtual bool anything_else() noexcept { return true; }
    /// Whether the loop is to look at everything before its newest work this time.
    [[nodiscard]] bool look_around() noexcept {
        if (--turns_ > 0) return false;
        turns_ = fairness_interval;
        return true;
    }
    /// Set by a pool whose idle workers sleep: not zero while one does; see thread_pool.
    void watch_sleepers(const std::atomic<std::uint32_t>& sleepers) noexcept {
        sleepers_ = fences_are_asymmetric ? &sleepers : &some_sleepers;
    }
    /// New work is there, and somebody may sleep (without asymmetric fences: always called).
    virtual void wake_one() noexcept {}

private:
    static constexpr std::atomic<std::uint32_t> no_sleepers{0};
    static constexpr std::atomic<std::uint32_t> some_sleepers{1};

    // Pairs with a worker going to sleep: it adds itself to the sleepers, issues a heavy fence, and looks at every deque
    // once more. Either it sees the new item or this sees the sleeper.
    void announce() noexcept {
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (sleepers_->load(std::memory_order_relaxed) != 0) [[unlikely]]
            wake_sleeper();
    }
    CADRE_RARE_CALL void wake_sleeper() noexcept;
    [[nodiscard]] CADRE_RARE_CALL bool count_again_and_look() noexcept;

    static constexpr int fairness_interval = 61;
    static constexpr int finds_interval = 2048;  // mostly some tens of nanoseconds each

    work_deque deque_;
    const std::atomic<std::uint32_t>* sleepers_ = &no_sleepers;
    int turns_ = fairness_interval;
    int finds_ = finds_interval;
    executor_backend* backend_;
    std::size_t index_;
};

CADRE_THREAD_LOCAL extern local_worker* this_thread_worker;

/// The worker whose thread this is, if it belongs to `backend`.
[[nodiscard]] inline local_worker* worker_of(const executor_backend* backend) noexcept {
    local_worker* w = this_thread_worker;
    return w != nullptr && w->backend() == backend ? w : nullptr;
}

/// Runs `item` at the home of its environment: posts, never inline.
void post_home(work_item& item) noexcept;

}  // namespace cadre::detail
