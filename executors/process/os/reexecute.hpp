/// @file
/// Re-execution of the program, as a fork server or as a worker.
#pragma once

#include <cstddef>

#include <sys/types.h>

namespace cadre::detail::process_os {

enum class process_role { fork_server, worker };

/// Starts the program again with the command line and environment that this process started with; `bootstrap` assumes
/// the role there; a fork server runs in a child of the new process, which exits at once. The new process leads its own
/// session and has, besides the standard descriptors, only `socket`. Requires an earlier call of `bootstrap` in this
/// process.
/// @throws std::system_error if a system call fails
[[nodiscard]] pid_t reexecute(process_role role, int socket);

/// Number of threads at the call of `bootstrap`; more than one if static initialisers start threads.
[[nodiscard]] std::size_t threads_at_start() noexcept;

}  // namespace cadre::detail::process_os
