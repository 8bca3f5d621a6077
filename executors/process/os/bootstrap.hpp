/// @file
/// Turns a process that was started as a fork server or a worker into one, at the start of main.
#pragma once

#include "process/os/worker_spec.hpp"

#include <exception>

namespace cadre::detail::process_os {

/// Sets the function that workers run unless their spec names another one. Call it before `bootstrap` and
/// `start_fork_server`, for example in static initialisation of an object file that the linker keeps.
void set_worker_main(worker_main_fn fn) noexcept;
[[nodiscard]] bool has_worker_main() noexcept;

/// Exit status of a worker that failed before code of the program ran. Its crash page or standard error has the reason.
inline constexpr int worker_start_failed = 127;

/// Reports to the parent why this worker could not start, and terminates it with `worker_start_failed`.
[[noreturn]] void end_without_start(unsigned slot, const std::exception& why) noexcept;
/// From now on the worker runs code of the program: `end_without_start` is not called any more.
void initializer_begins() noexcept;

/// Call it first in main. Does not return in a process that was started as a fork server or a spawned worker. Records
/// the command line for later re-execution of the program. Further calls do nothing.
void bootstrap(int argc, char** argv);

/// Whether `bootstrap` was called, which re-execution requires.
[[nodiscard]] bool bootstrapped() noexcept;

/// Whether this process is a worker.
[[nodiscard]] bool in_worker() noexcept;

}  // namespace cadre::detail::process_os
