/// @file
/// The errors of calls that have exceeded their limit of running time.
#pragma once

#include "process/parent/call_record.hpp"
#include "process/parent/death.hpp"
#include "process/parent/worker_connection.hpp"

#include <exception>
#include <string>

namespace cadre::detail::process_parent {

/// The error of a call that has exceeded its own limit on `c`. Its origin is that worker; the caller's side adds the
/// task.
[[nodiscard]] std::exception_ptr timed_out_error(const worker_connection& c, const call_record& r,
                                                 const task_label& task, const std::string& last_output = {});
/// The error of a call, or of an item of a chunk, that has exceeded its limit and obeyed the stop request. Its origin
/// is that worker, too.
[[nodiscard]] std::exception_ptr stopped_by_limit(const worker_connection& c, const call_record& r,
                                                  const task_label& task);

}  // namespace cadre::detail::process_parent
