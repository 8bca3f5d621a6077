/// @file
/// The statistics of one worker for `executor::stats`.
#pragma once

#include "process/parent/placement.hpp"

#include <cadre/executor_stats.hpp>

namespace cadre::detail::process_parent {

/// All members but the memory. Requires the pool's `calls_mutex_`.
[[nodiscard]] worker_stats describe_worker(const placement& calls, const worker_connection& c);
/// Reads the memory from /proc, which takes some tens of microseconds: called without a lock. Zero if the worker has
/// ended.
void read_memory(worker_stats& w) noexcept;

}  // namespace cadre::detail::process_parent
