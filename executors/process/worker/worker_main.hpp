/// @file
/// What a worker process runs.
#pragma once

#include "process/os/worker_spec.hpp"

namespace cadre::detail::process_worker {

/// Attaches to the parent's memory, runs the initializer, then calls until a quit order. @return the exit status
int worker_main(process_os::worker_boot&& boot);

}  // namespace cadre::detail::process_worker
