/// @file
/// The process executor: tasks run in worker processes, and one that crashes takes only its own task with it.
///
///     cadre::executor ex = cadre::process_executor{{.workers = 3, .task_timeout = 2s}};
///     int n = co_await cadre::on(ex, count_words, file);
#pragma once

#include <cadre/executor.hpp>
#include <cadre/executors/process_options.hpp>

namespace cadre {

/// Starts worker processes. They end with the last handle to the executor, with its shutdown, or with this process,
/// whichever comes first and however it comes.
/// @throws config_error if an option cannot be honoured, or workers cannot be started from this process: it needs the
/// `runtime` in `main`, or to have no other thread yet
/// @throws std::system_error when the system refuses memory, descriptors or processes
[[nodiscard]] executor make_process_executor(const process_options& options);

/// The same as a type. Convertible to `executor`; copies name the same executor. Calls through it must be portable, as
/// through any `executor`.
class process_executor {
public:
    explicit(false) process_executor(const process_options& options = {});

    [[nodiscard]] explicit(false) operator executor() const noexcept { return handle_; }
    [[nodiscard]] const executor& handle() const noexcept { return handle_; }

    [[nodiscard]] executor_kind kind() const { return handle_.kind(); }
    [[nodiscard]] std::size_t concurrency() const { return handle_.concurrency(); }
    [[nodiscard]] std::string name() const { return handle_.name(); }
    [[nodiscard]] executor_stats stats() const { return handle_.stats(); }
    void request_stop() const { handle_.request_stop(); }
    template <class D>
    [[nodiscard]] task<void> shutdown(D deadline) const {
        return handle_.shutdown(deadline);
    }
    [[nodiscard]] executor with(const call_settings& settings) const { return handle_.with(settings); }

private:
    executor handle_;
};

}  // namespace cadre
