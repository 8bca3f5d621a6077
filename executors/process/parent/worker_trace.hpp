/// @file
/// What workers have recorded, and their deaths, in the trace of the program.
#pragma once

#include "process/parent/death.hpp"
#include "process/parent/worker_connection.hpp"

#include <string_view>

namespace cadre::detail::process_parent {

// Each does nothing unless a trace is recorded.

void trace_worker_start(const worker_connection& c, std::string_view executor) noexcept;
/// Takes what `c` has recorded. Needs the pool's `drain_mutex_`.
void trace_worker(worker_connection& c) noexcept;
/// Ends what ran in it.
void trace_worker_end(const worker_connection& c, const death_notice& death) noexcept;

}  // namespace cadre::detail::process_parent
