/// @file
/// The life of the set of workers: failed starts, deaths, giving up, quitting.
#pragma once

#include "process/parent/death_recovery.hpp"
#include "process/parent/placement.hpp"

#include <cstdint>
#include <exception>
#include <functional>
#include <vector>

namespace cadre::detail::process_parent {

/// Takes no lock: everything needs the pool's `calls_mutex_`; `worker_ended` and `finish` need both locks.
class worker_lifecycle {
public:
    worker_lifecycle(worker_set& workers, placement& calls, death_recovery recovery) noexcept
        : workers_(workers), placement_(calls), recovery_(recovery) {}

    /// Whether a missing worker is to be started. Gives up after one failed attempt for each worker and two more.
    [[nodiscard]] bool may_start(ended_calls& ended) noexcept;
    void start_failed(std::exception_ptr error) noexcept;
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
    /// Kills the workers that have not left in time.
    void kill_overdue(time_point now) noexcept;
    /// When `kill_overdue` is due; time_point::max(): never.
    [[nodiscard]] time_point kill_time() const noexcept { return kill_time_; }

    /// Workers that ended without having been asked to.
    [[nodiscard]] std::uint64_t restarts() const noexcept { return restarts_; }

private:
    worker_set& workers_;
    placement& placement_;
    death_recovery recovery_;

    std::uint64_t restarts_ = 0;
    std::exception_ptr start_error_{};  // of the last failed start
    std::exception_ptr gave_up_with_{};
    bool finished_ = false;
    time_point kill_time_ = time_point::max();
    std::vector<callback> on_finish_;
};

}  // namespace cadre::detail::process_parent
