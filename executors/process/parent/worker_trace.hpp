/// @file
/// The events and deaths of workers in the trace of the program.
#pragma once

#include "process/parent/death.hpp"
#include "process/parent/worker_connection.hpp"

#include <string_view>

namespace cadre::detail::process_parent {

// Each has no effect unless a trace is recorded.

void trace_worker_start(const worker_connection& c, std::string_view executor) noexcept;
/// Takes the events that `c` has recorded. Requires the pool's `drain_mutex_`.
void trace_worker(worker_connection& c) noexcept;
/// Ends the slices of the worker.
void trace_worker_end(const worker_connection& c, const death_notice& death) noexcept;

}  // namespace cadre::detail::process_parent
