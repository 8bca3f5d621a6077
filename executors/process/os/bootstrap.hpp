/// @file
/// Catches, first thing in main, a process that was started to be a fork server or a worker.
#pragma once

#include "process/os/worker_spec.hpp"

namespace cadre::detail::process_os {

/// Says what workers run unless their spec does. Call it before `bootstrap` and `start_fork_server`: static
/// initialisation is early enough, provided that the linker keeps the object file.
void set_worker_main(worker_main_fn fn) noexcept;
[[nodiscard]] bool has_worker_main() noexcept;

/// Exit status of a worker that failed before its worker function ran; standard error says why.
inline constexpr int worker_start_failed = 127;

/// The first thing in main. Does not return in a process that is to be a fork server or a spawned worker. Remembers
/// the command line for re-executing the program later. Calling it again does nothing.
void bootstrap(int argc, char** argv);

/// Whether `bootstrap` was called: only then can the program be re-executed.
[[nodiscard]] bool bootstrapped() noexcept;

/// Whether this process is a worker.
[[nodiscard]] bool in_worker() noexcept;

}  // namespace cadre::detail::process_os
