/// @file
/// The work-stealing pool behind `thread_executor`.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "parking_lot.hpp"

#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/detail/scheduler/reactor.hpp>
#include <cadre/detail/scheduler/timer_heap.hpp>
#include <cadre/executor_backend.hpp>
#include <cadre/executors/workers.hpp>

namespace cadre::detail {

/// Each worker takes work from the bottom of its own deque, from the injection queue (work of other threads, yields), or
/// steals from the top of another worker's deque; if there is none it looks a little longer and then sleeps.
///
/// Sleep and wake: a worker that goes to sleep adds itself to the sleepers, issues a heavy fence and looks at every
/// source of work once more; whoever publishes work issues a light fence and then looks for sleepers. So either the
/// worker sees the work or the publisher sees the sleeper. A push wakes nobody while nobody sleeps.
///
/// Timers: one sleeper, the *keeper*, sleeps only until the next deadline; busy workers look at the timers now and then.
///
/// Reactor: once there is one the keeper sleeps in it, and runs handlers and the tasks that they resume right there; busy
/// workers look at it now and then. While a task runs so, nobody looks at the events. Calling the next sleeper for each event
/// would cost more than most events do, so while there are events one more sleeper, the *deputy*, looks every few milliseconds
/// whether it has to take over.
class thread_pool final : public executor_backend {
public:
    [[nodiscard]] static std::shared_ptr<thread_pool> make(std::size_t workers, std::string name,
                                                           const cpu_list& affinity);
    ~thread_pool() override;

    [[nodiscard]] executor_kind kind() const noexcept override { return executor_kind::thread; }
    [[nodiscard]] std::size_t concurrency() const noexcept override { return workers_.size(); }
    [[nodiscard]] std::string name() const override { return name_; }
    void submit(std::span<work_item* const> items) noexcept override;
    using executor_backend::submit;
    [[nodiscard]] timer_service& timers() noexcept override { return timers_; }
    [[nodiscard]] void* query(const std::type_info& extension) noexcept override;

private:
    class worker;
    class pool_reactor_holder final : public reactor_holder {
    public:
        explicit pool_reactor_holder(thread_pool& pool) : pool_(pool) {}

    private:
        void made() noexcept override { pool_.wake_leader(); }
        thread_pool& pool_;
    };
    class pool_timers final : public timer_heap {
    public:
        explicit pool_timers(thread_pool& pool) : pool_(pool) {}

    private:
        void earlier() noexcept override { pool_.wake_leader(); }
        thread_pool& pool_;
    };

    thread_pool(std::size_t workers, std::string name);
    void start(const cpu_list& affinity);
    static void release(thread_pool* pool) noexcept;

    void run(worker& self, int cpu);
    [[nodiscard]] runnable find(worker& self) noexcept;
    [[nodiscard]] runnable steal(worker& self) noexcept;
    [[nodiscard]] work_item* take_injected() noexcept;
    void inject(work_item* first, work_item* last) noexcept;
    [[nodiscard]] bool anything_to_do() const noexcept;
    [[nodiscard]] bool look_longer() const noexcept;
    void sleep(worker& self) noexcept;
    void sleep_in_reactor(worker& self, reactor& events) noexcept;
    void wait_as_follower(worker& self) noexcept;
    void note_event() noexcept;
    static void unpark(worker& w) noexcept;
    void wake_one() noexcept;
    void wake_leader() noexcept;
    void wake_all() noexcept;

    std::string name_;
    std::vector<std::unique_ptr<worker>> workers_;
    std::vector<std::thread> threads_;
    pool_timers timers_{*this};

    alignas(64) std::mutex injected_mutex_;
    work_item* injected_head_ = nullptr;
    work_item* injected_tail_ = nullptr;
    std::atomic<bool> injected_{false};  // whether the queue has something; read without the lock

    alignas(64) std::atomic<std::uint32_t> sleeping_{0};
    std::atomic<bool> closing_{false};
    std::mutex sleepers_mutex_;
    std::vector<worker*> sleepers_;
    worker* leader_ = nullptr;  // the sleeper that waits for the next deadline and for events
    worker* standby_ = nullptr;  // the sleeper that looks whether somebody waits for events
    std::atomic<bool> watched_{false};  // there is to be a deputy
    std::atomic<bool> had_events_{false};  // since the deputy looked

    std::atomic<unsigned> users_{0};  // threads inside submit; the pool outlives them
    pool_reactor_holder place_{*this};  // last: what its handlers hold goes first
};

}  // namespace cadre::detail
