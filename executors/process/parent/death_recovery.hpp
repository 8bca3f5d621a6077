/// @file
/// What becomes of the calls of a worker that has ended.
#pragma once

#include "process/parent/nested_calls.hpp"
#include "process/parent/placement.hpp"
#include "process/parent/stack_symbolizer.hpp"

#include <cadre/detail/scheduler/work_registry.hpp>

#include <memory>
#include <vector>

namespace cadre::detail::process_parent {

/// Calls are retried, or fail with worker_crashed, worker_lost or task_killed. Takes no lock: `recover` needs both of
/// the pool's locks.
class death_recovery {
public:
    using crashed_calls = std::vector<stack_symbolizer::crashed_call>;

    death_recovery(const work_registry& registry, const process_options& options, worker_set& workers, placement& calls,
                   nested_calls& nested) noexcept
        : registry_(registry), output_(options.output), isolated_(options.tasks_per_worker == 1), workers_(workers),
          placement_(calls), nested_(nested) {}

    /// Takes all calls from `c`, whose events have been handled. `crashed`: the calls whose stack must be symbolized.
    /// @return what is known of its end
    std::shared_ptr<const death_notice> recover(worker_connection& c, const process_os::worker_exit& exit,
                                                ended_calls& ended, crashed_calls& crashed);

private:
    /// `ran`: the call was running, or any call may have been; `only`: the worker had no other task.
    void settle(const worker_connection& c, call_record& r, bool ran, bool only,
                const std::shared_ptr<const death_notice>& death, ended_calls& ended, crashed_calls& crashed);
    void end_unfinished(const worker_connection& c, call_record& r, const task_label& task, ended_calls& ended);

    [[nodiscard]] bool another_task_is_to_blame(const worker_connection& c, bool ran, bool only) const noexcept;
    void requeue_unbegun(worker_connection& c) noexcept;
    [[nodiscard]] kill_reason reason_of_kill(const call_record& r) const noexcept;

    const work_registry& registry_;
    const worker_output output_;
    const bool isolated_;
    worker_set& workers_;
    placement& placement_;
    nested_calls& nested_;
};

}  // namespace cadre::detail::process_parent
