/// @file
/// The life of the set of workers: failed starts, deaths, giving up, quitting.
#pragma once

#include "process/parent/death_recovery.hpp"
#include "process/parent/placement.hpp"
#include "process/parent/start_failure.hpp"

#include <cstdint>
#include <exception>
#include <functional>
#include <string_view>
#include <vector>

namespace cadre::detail::process_parent {

/// Takes no lock: everything needs the pool's `calls_mutex_`; `worker_ended` and `finish` need both locks.
class worker_lifecycle {
public:
    /// @param executor for messages
    worker_lifecycle(worker_set& workers, placement& calls, death_recovery recovery, std::string_view executor,
                     bool has_initializer)
        : workers_(workers), placement_(calls), recovery_(recovery), executor_(executor),
          has_initializer_(has_initializer), pids_(workers.capacity()) {}

    /// Whether a missing worker is to be started now. Gives up after the initializer has failed once for each worker
    /// and twice more. After other failed starts, which end when their cause does (no descriptors, no memory, kills
    /// from outside), there is a pause that doubles up to half a second; calls wait meanwhile. If the cause does not
    /// end, each failed start fails the calls that wait.
    [[nodiscard]] bool may_start(time_point now, ended_calls& ended) noexcept;
    /// When a missing worker is to be started; time_point::max(): no worker is missing, or no worker will be started
    /// again.
    [[nodiscard]] time_point next_start() const noexcept;
    void start_failed(start_failure why, bool by_initializer, ended_calls& ended) noexcept;
    /// Whether starts fail for a reason that does not go away, and no worker is ready. Workers are then started one at
    /// a time, and only if a call waits.
    [[nodiscard]] bool hopeless() const noexcept;
    /// `c` has been added to the workers.
    void worker_started(const worker_connection& c) noexcept;
    /// Settles the calls of a worker that has ended, whose events have been handled.
    void worker_ended(worker_connection& c, const process_os::worker_exit& exit, ended_calls& ended,
                      death_recovery::crashed_calls& crashed);
    /// The executor takes no more calls, and those that wait fail with `reason`.
    void give_up(const std::exception_ptr& reason, ended_calls& ended) noexcept;

    using callback = std::function<void()>;
    /// No new workers; those that live finish their calls and leave. Keeps `done` for `finish`.
    /// @return false if they have left already: `done` is left to the caller
    [[nodiscard]] bool quit(callback& done);
    /// Whether the executor quits and all workers have left. `done`: the callbacks of `quit`.
    [[nodiscard]] bool finish(std::vector<callback>& done) noexcept;

    /// Workers that ended without a request.
    [[nodiscard]] std::uint64_t restarts() const noexcept { return restarts_; }

private:
    void report_failures() const noexcept;

    worker_set& workers_;
    placement& placement_;
    death_recovery recovery_;
    const std::string_view executor_;
    const bool has_initializer_;

    std::uint64_t restarts_ = 0;
    start_failure start_failure_{};  // the last one
    start_failure_series failures_{};
    time_point next_start_{};  // after a failed one
    std::exception_ptr gave_up_with_{};
    bool finished_ = false;
    std::vector<callback> on_finish_;
    std::vector<pid_t> pids_;  // of the last worker of each index; 0: there was none
};

}  // namespace cadre::detail::process_parent
