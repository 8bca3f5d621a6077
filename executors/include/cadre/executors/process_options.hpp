/// @file
/// Options of the process executor.
///
///     cadre::executor ex = cadre::process_executor{{.workers = 3, .task_timeout = 2s, .memory_limit = 256 << 20}};
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <cadre/executors/worker_action.hpp>
#include <cadre/executors/workers.hpp>

namespace cadre {

/// How worker processes start.
enum class start_method : std::uint8_t {
    forkserver,  ///< forked from a small server that `runtime` started: under a millisecond
    spawn,       ///< the program is executed again: slower, and nothing of the parent's memory is inherited
};

/// Where the standard output and standard error of workers go.
enum class worker_output : std::uint8_t {
    inherit,  ///< the parent's own
    prefix,   ///< line by line, each with `[worker 2 resize#17] ` before it
    capture,  ///< its end is added to the error of a task whose worker died
    null,     ///< discarded
};

/// Trivially destructible on purpose: g++ 12 destroys other aggregates twice in an expression that awaits.
struct process_options {
    /// Zero or negative is a `config_error`. Default: one per core this process may use.
    worker_count workers = default_workers;
    start_method start = start_method::forkserver;
    /// Called in each worker before its first task. If it throws or dies in every worker, the executor ends with its
    /// error.
    worker_action initializer{};
    /// Called in each worker that ends in order (retires, or the executor ends), after its last task. Then the objects
    /// of `this_worker::local` and static objects are destroyed and the functions of `atexit` are called. A worker that
    /// takes longer for all of this than `kill_grace`, or two seconds if that is more, is killed. Exceptions of the
    /// finalizer are printed.
    worker_action finalizer{};
    /// A worker that uses more private memory than this, in bytes, after a task is replaced by a fresh one; at most
    /// `memory_limit`. 0: no limit.
    std::size_t memory_soft_limit = 0;
    /// A task that runs longer is asked to stop, and killed `kill_grace` later. A worker that takes no call although it
    /// has no task, because it is stopped or its initializer does not end, is killed after the same time, but not
    /// before some seconds; its calls go to other workers. 0: no limit.
    std::chrono::nanoseconds task_timeout{0};
    /// How long a task may continue after a stop request because of a limit, a deadline or `job::kill` before its
    /// worker is killed. The default of one second is far more than a loop that checks `stop_requested()` needs, and
    /// short enough for a stuck worker.
    std::chrono::nanoseconds kill_grace = std::chrono::seconds(1);
    /// Private memory of each worker, in bytes. An allocation beyond it throws `std::bad_alloc`, and the worker is
    /// replaced when the task that exceeded the limit has ended. 0: no limit.
    std::size_t memory_limit = 0;
    /// A worker is replaced by a fresh one after this many tasks. 0: never.
    std::size_t max_tasks_per_worker = 0;
    /// The maximum number of unfinished tasks, running or suspended, in a worker. A task that waits for a nested call
    /// admits one more: otherwise tasks that call each other would fill all workers. With 1, the death of a worker
    /// affects the task that it runs, and the tasks that wait for nested calls in it, which fail with `worker_crashed`.
    /// 0: no limit.
    std::size_t tasks_per_worker = 0;
    /// How often a task is repeated if its worker died, or if it failed with `std::bad_alloc` at the memory limit. A
    /// task that threw anything else is never repeated.
    int retries = 0;
    /// How many calls may wait in this process for a worker; a further call fails with `overloaded`. The calls of a
    /// map, whose `window` bounds how many wait, do not count. 0: no limit.
    std::size_t max_pending = 0;
    worker_output output = worker_output::inherit;
    /// Which CPUs the workers are pinned to. Default: none.
    cpu_list affinity{};
    /// Shown in `executor::name()` and in error texts. Copied by the executor.
    std::string_view name{};
};

}  // namespace cadre
