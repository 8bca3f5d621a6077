/// @file
/// Runs a task on a home executor and blocks the calling thread until it has ended.
#pragma once

#include <atomic>
#include <memory>
#include <source_location>
#include <string>
#include <utility>

#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/detail/scheduler/task_root.hpp>
#include <cadre/task.hpp>

namespace cadre::detail {

/// Extension of a backend (`executor_backend::query`) whose threads may block: `sync_wait` works in its tasks.
struct blocking_threads {};

/// The root of a task that a thread waits for. Meanwhile that thread drives the serial loops of the process.
class blocking_root final : public task_root {
public:
    /// `where` is named in reports.
    blocking_root(std::shared_ptr<executor_backend> home, stop_state* stop, std::source_location where);

    /// Runs the coroutine at home, and drives serial loops until it has ended. @throws executor_stopped, deadlock
    void run(std::coroutine_handle<> frame, promise_base& promise);

private:
    // The end is posted through a loop, because another driver may run the item.
    struct end_item : work_item {
        std::atomic<bool> done{false};
    };
    std::coroutine_handle<> start() noexcept override { return begin(frame_, *promise_); }
    void ended() noexcept override;

    std::shared_ptr<run_loop> completion_loop_;  // runs `end_`, on whichever thread drives it
    std::coroutine_handle<> frame_;
    promise_base* promise_ = nullptr;
    end_item end_;
};

/// Runs `t` at `home` under `stop` (may be null). @return its result @throws its error, executor_stopped, deadlock
template <class T>
T block_on(std::shared_ptr<executor_backend> home, stop_state* stop, task<T> t,
           std::source_location where = std::source_location::current()) {
    require_coroutine(t);
    blocking_root root(std::move(home), stop, where);
    // The task must be destroyed before the root, because its arguments may be linked to the root's stop state. When a
    // parameter is destroyed is implementation-defined, so the task is moved to a local.
    const task<T> work = std::move(t);
    root.run(work.frame(), work.frame().promise());
    return work.frame().promise().take();
}

}  // namespace cadre::detail
