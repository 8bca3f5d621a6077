/// @file
/// The main function of a worker process.
#pragma once

#include "process/os/worker_spec.hpp"

namespace cadre::detail::process_worker {

/// Attaches to the parent's memory, runs the initializer, calls until a quit order, and the finalizer; then exits as a
/// program does. @return the exit status of a worker whose initializer has failed
int worker_main(process_os::worker_boot&& boot);

}  // namespace cadre::detail::process_worker
