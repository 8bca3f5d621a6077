/// @file
/// The standard output of a worker: what a task printed is out before its result.
#pragma once

namespace cadre::detail::process_worker {

/// Writes line by line, also to a pipe or a file, so that lines of several processes are whole.
void write_output_by_line() noexcept;

/// Writes what has been printed without the end of its line. Cheap if there is nothing.
void flush_task_output() noexcept;

}  // namespace cadre::detail::process_worker
