/// @file
/// What the log handler gets from a process executor.
#pragma once

#include "process/parent/death.hpp"
#include "process/parent/placement.hpp"
#include "scheduler/event_log.hpp"

#include <cstddef>
#include <memory>
#include <string>

#include <sys/types.h>

namespace cadre::detail::process_parent {

// Each does nothing unless `event_log::wanted()`. All but those of the executor need the pool's `calls_mutex_`.

void report_executor_started(const std::string& name, std::size_t workers) noexcept;
void report_executor_stopped(const std::string& name) noexcept;
/// @param predecessor the pid of the last worker of this index; 0: there was none
void report_start(const placement& calls, const worker_connection& c, pid_t predecessor) noexcept;
/// @param death null: it left in order
void report_end(const placement& calls, const worker_connection& c, std::shared_ptr<const death_notice> death,
                const log_events::task& running) noexcept;
void report_time_limit(const placement& calls, const call_record& r) noexcept;
/// @param r the call that met it; null: none in particular @param hard an allocation failed; else the soft limit is exceeded
void report_memory_limit(const placement& calls, worker_connection& c, const call_record* r, bool hard) noexcept;
void report_retry(const placement& calls, const call_record& r) noexcept;

/// The call that `c` runs; `id` 0: none that is known here.
[[nodiscard]] log_events::task running_task_of(const placement& calls, const worker_connection& c);
/// `app::resize` of `app::resize(image)`, `lambda at main.cpp:3:4` of `the lambda at main.cpp:3:4`.
[[nodiscard]] std::string without_parameters(std::string name);
/// The given name of the call, or the name of its function.
[[nodiscard]] std::string short_name(const placement& calls, const call_record& r);

}  // namespace cadre::detail::process_parent
