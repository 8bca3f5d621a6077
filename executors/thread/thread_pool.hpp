/// @file
/// The work-stealing pool behind `thread_executor`.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/process_owner.hpp"
#include "hand_over_slot.hpp"
#include "injection_queue.hpp"

#include <cadre/detail/coroutine/tracing.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/detail/scheduler/reactor.hpp>
#include <cadre/detail/scheduler/timer_heap.hpp>
#include <cadre/executor_backend.hpp>
#include <cadre/executors/thread_options.hpp>

namespace cadre::detail {

/// Each worker takes work from the bottom of its own deque, from the injection queue (work of other threads, yields),
/// or from the top of another worker's deque. If there is none it polls a little longer and then parks.
///
/// A worker that polls before it parks also offers to take an item directly from its submitter, past the queue.
///
/// Park and wake: a worker that parks adds itself to the sleepers, issues a heavy fence and polls every source of work
/// once more. A publisher of work issues a light fence and then reads the number of sleepers. So either the worker sees
/// the work or the publisher sees the sleeper. A push wakes no worker while none sleeps.
///
/// Timers: one sleeper, the *leader*, sleeps until the next deadline; the others, the *followers*, sleep until they are
/// woken. Busy workers poll the timers at intervals. (Schmidt et al., Leader/Followers, PLoP 2000.)
///
/// Reactor: the leader sleeps in the reactor, if there is one, and runs handlers and the tasks that they resume on the
/// spot; busy workers poll the reactor at intervals. While the leader runs a task no thread waits for events. To
/// promote a follower for each event would cost more than most events do. Instead, while events arrive, one follower,
/// the *standby*, checks every few milliseconds whether the leader still waits, and becomes the leader if not.
class thread_pool final : public executor_backend {
public:
    /// @throws what an initializer throws, std::system_error
    [[nodiscard]] static std::shared_ptr<thread_pool> make(std::size_t workers, std::string name,
                                                           const thread_options& options);
    ~thread_pool() override;

    [[nodiscard]] executor_kind kind() const noexcept override { return executor_kind::thread; }
    [[nodiscard]] std::size_t concurrency() const noexcept override { return workers_.size(); }
    [[nodiscard]] std::string name() const override { return name_; }
    void submit(std::span<work_item* const> items) noexcept override;
    using executor_backend::submit;
    [[nodiscard]] bool hand_over(work_item& item) noexcept override;
    [[nodiscard]] timer_service& timers() noexcept override { return timers_; }
    [[nodiscard]] void* query(const std::type_info& extension) noexcept override;

private:
    class worker;
    class pool_reactor final : public reactor_holder {
    public:
        explicit pool_reactor(thread_pool& pool) : pool_(pool) {}

    private:
        void made() noexcept override { pool_.wake_leader(); }
        thread_pool& pool_;
    };
    class pool_timers final : public timer_heap {
    public:
        explicit pool_timers(thread_pool& pool) : pool_(pool) {}

    private:
        void earlier(steady_time /*when*/) noexcept override { pool_.wake_leader(); }
        thread_pool& pool_;
    };

    thread_pool(std::size_t workers, std::string name, const thread_options& options);
    void start(const cpu_list& affinity);
    /// Waits until every thread has run its initializer. @throws what the first one threw
    void wait_for_initializers();
    void run_initializer() noexcept;
    void run_finalizer() const noexcept;
    static void release(thread_pool* pool) noexcept;
    void destroy() noexcept;

    // Work: thread_pool.cpp.
    void run(worker& self);
    [[nodiscard]] runnable find(worker& self) noexcept;
    [[nodiscard]] runnable steal(worker& self) noexcept;
    static void steal_more(worker& self, worker& victim) noexcept;
    void inject(work_item& item) noexcept;
    [[nodiscard]] bool has_work() const noexcept;
    [[nodiscard]] bool spin_for_work() noexcept;
    [[nodiscard]] bool poll_for_work() const noexcept;
    static void run_item(runnable item) noexcept;
    // A trace shows tasks that go through `run_item`: then a handler does not resume one on the spot.
    [[nodiscard]] const executor_backend* resuming_home() const noexcept { return tracing() ? nullptr : this; }

    // Sleep and wake: thread_pool_idle.cpp.
    void sleep(worker& self) noexcept;
    void sleep_in_reactor(worker& self, reactor& events) noexcept;
    void sleep_as_follower(worker& self) noexcept;
    void before_task_in_handler() noexcept;
    void add_sleeper_locked(worker& w) noexcept;
    void remove_sleeper_locked(worker& w) noexcept;
    [[nodiscard]] worker* remove_follower_locked() noexcept;
    static void unpark(worker& w) noexcept;
    void wake_one() noexcept;
    void wake_leader() noexcept;
    void wake_all() noexcept;

    std::string name_;
    std::vector<std::unique_ptr<worker>> workers_;
    const process_owner owner_{};
    std::vector<std::thread> threads_;
    const worker_action initializer_;
    const worker_action finalizer_;
    std::mutex start_mutex_;  // a leaf: guards the next three
    std::condition_variable started_;
    std::size_t initialized_ = 0;  // threads
    std::exception_ptr start_error_;  // the first
    pool_timers timers_{*this};

    injection_queue injected_;
    hand_over_slot handed_over_;

    // The number of sleepers. Written under the mutex, with seq_cst: a worker adds itself before its heavy fence and
    // its last poll. Read by publishers without the mutex: relaxed after a light fence, or with seq_cst after a seq_cst
    // push.
    alignas(64) std::atomic<std::uint32_t> sleeping_{0};
    std::atomic<bool> closing_{false};
    std::mutex sleepers_mutex_;  // under it: `unpark`, which runs nothing
    std::vector<worker*> sleepers_;
    worker* leader_ = nullptr;  // the sleeper that waits for the next deadline and for events
    worker* standby_ = nullptr;  // the follower that checks whether a worker waits for events
    // Both are hints: a late value delays or repeats one check of the standby.
    std::atomic<bool> wants_standby_{
        false};  // true: by a handler, under the mutex; false: by the standby, under the mutex
    std::atomic<bool> had_events_{false};  // since the last check of the standby; true: by handlers

    alignas(64) std::atomic<unsigned> submitters_{0};  // threads inside `submit`; the pool outlives them
    pool_reactor reactor_{*this};  // last: destroyed first, with what its handlers hold
};

}  // namespace cadre::detail
