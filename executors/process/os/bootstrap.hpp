/// @file
/// Catches, first thing in main, a process that was started to be a fork server or a worker.
#pragma once

#include "process/os/worker_spec.hpp"

#include <span>

namespace cadre::detail::process_os {

/// A worker's body. Its return value is the exit status; output is flushed and the process leaves by _exit, so that
/// the static destructors and atexit functions of the program do not run twice.
using worker_main_fn = int (*)(worker_boot&&);

/// Says what workers run. Call it before `bootstrap` and `start_fork_server`; a constant initialiser is early enough.
void set_worker_main(worker_main_fn fn) noexcept;

/// The first thing in main. Does not return in a process that is to be a fork server or a spawned worker. Remembers
/// the command line for re-executing the program later. Calling it again does nothing.
void bootstrap(int argc, char** argv);

/// Whether `bootstrap` was called: only then can the program be re-executed.
[[nodiscard]] bool bootstrapped() noexcept;

/// Whether this process is a worker.
[[nodiscard]] bool in_worker() noexcept;

}  // namespace cadre::detail::process_os
