/// @file
/// The process executor: tasks run in worker processes. The crash of a worker does not affect the program.
///
///     cadre::executor ex = cadre::process_executor{{.workers = 3, .task_timeout = 2s}};
///     int n = co_await cadre::on(ex, count_words, file);
#pragma once

#include <cadre/executor.hpp>
#include <cadre/executors/process_options.hpp>

namespace cadre {

/// Starts worker processes. They end with the last handle to the executor, with its shutdown, or with this process,
/// even if that is killed.
/// @throws config_error if an option cannot be honoured, or workers cannot be started from this process: the
/// process must have the `runtime` in `main`, or no other thread yet; also if the system refuses memory, descriptors or
/// processes: the text names what was refused, and the limit to raise
[[nodiscard]] executor make_process_executor(const process_options& options);

/// The same as a type. Convertible to `executor`; copies name the same executor. Calls through it must be portable, as
/// through any `executor`.
class process_executor : public executor_type {
public:
    /// @throws like `make_process_executor`
    explicit(false) process_executor(const process_options& options = {});
};

}  // namespace cadre
