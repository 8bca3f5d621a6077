/// @file
/// `thread_executor`: a work-stealing pool of threads.
///
///     cadre::thread_executor pool{{.workers = 4}};
///     int n = cadre::sync_wait(cadre::on(pool, [&] { return crunch(data); }));
#pragma once

#include <cadre/executor.hpp>
#include <cadre/executors/thread_options.hpp>

namespace cadre {

/// Runs tasks on a fixed number of threads. A task computes on its thread until it waits. The children of a
/// `when_all` run on the thread that starts them unless an idle thread steals them. Idle threads sleep.
class thread_executor : public local_executor {
public:
    /// @throws config_error for zero or negative workers, or a CPU that does not exist; what the initializer throws
    explicit thread_executor(const thread_options& options = {});
};

/// @throws config_error like `thread_executor`
[[nodiscard]] executor make_thread_executor(const thread_options& options);

}  // namespace cadre
