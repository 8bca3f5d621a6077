/// @file
/// What `executor::stats` says of one worker.
#pragma once

#include "process/parent/placement.hpp"

#include <cadre/executor_stats.hpp>

namespace cadre::detail::process_parent {

/// All but the memory. Needs the pool's `calls_mutex_`.
[[nodiscard]] worker_stats describe_worker(const placement& calls, const worker_connection& c);
/// Asks the system, some tens of microseconds: without a lock. A worker that has ended has none.
void read_memory(worker_stats& w) noexcept;

}  // namespace cadre::detail::process_parent
