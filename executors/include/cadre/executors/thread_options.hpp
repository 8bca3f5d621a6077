/// @file
/// Options of the thread executor.
///
///     cadre::executor ex = cadre::thread_executor{{.workers = 4, .name = "cpu"}};
#pragma once

#include <string_view>

#include <cadre/executors/worker_action.hpp>
#include <cadre/executors/workers.hpp>

namespace cadre {

/// Trivially destructible on purpose: g++ 12 destroys other aggregates twice in an expression that awaits.
struct thread_options {
    /// Zero or negative is a `config_error`. Default: one per core this process may use.
    worker_count workers = default_workers;
    /// Which CPUs the workers are pinned to. Default: none.
    cpu_list affinity{};
    /// Called on each thread before its first task, and before the executor's constructor returns. If initializers
    /// throw, the constructor rethrows the first exception.
    worker_action initializer{};
    /// Called on each thread after its last task; then the objects of `this_worker::local` are destroyed. Exceptions
    /// of the finalizer are printed.
    worker_action finalizer{};
    /// Shown in `executor::name()` and, cut to 15 characters, as the threads' name. Copied by the executor.
    std::string_view name{};
};

}  // namespace cadre
