/// @file
/// The log events of a process executor.
#pragma once

#include "process/parent/death.hpp"
#include "process/parent/placement.hpp"
#include "scheduler/event_log.hpp"

#include <cstddef>
#include <memory>
#include <string>

#include <sys/types.h>

namespace cadre::detail::process_parent {

// Each has no effect unless `event_log::wanted()`. All but those of the executor require the pool's `calls_mutex_`.

void report_executor_started(const std::string& name, std::size_t workers) noexcept;
void report_executor_stopped(const std::string& name) noexcept;
/// @param predecessor the pid of the previous worker of this index; 0: none
void report_start(const placement& calls, const worker_connection& c, pid_t predecessor) noexcept;
/// @param death null: the worker exited in order
void report_end(const placement& calls, const worker_connection& c, std::shared_ptr<const death_notice> death,
                const log_events::task& running) noexcept;
void report_time_limit(const placement& calls, const call_record& r) noexcept;
/// @param r the call that reached the limit; null: no single call @param hard an allocation failed; if false, the soft
/// limit is exceeded
void report_memory_limit(const placement& calls, worker_connection& c, const call_record* r, bool hard) noexcept;
void report_retry(const placement& calls, const call_record& r) noexcept;

/// The call that `c` runs; `id` 0: none, or one that the parent does not know.
[[nodiscard]] log_events::task running_task_of(const placement& calls, const worker_connection& c);
/// `app::resize` of `app::resize(image)`, `lambda at main.cpp:3:4` of `the lambda at main.cpp:3:4`.
[[nodiscard]] std::string without_parameters(std::string name);
/// The given name of the call, or the name of its function.
[[nodiscard]] std::string short_name(const placement& calls, const call_record& r);

}  // namespace cadre::detail::process_parent
