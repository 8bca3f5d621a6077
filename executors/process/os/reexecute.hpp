/// @file
/// Starting the same program again, as a fork server or as a worker.
#pragma once

#include <cstddef>

#include <sys/types.h>

namespace cadre::detail::process_os {

enum class process_role { fork_server, worker };

/// Starts the program again with the command line and environment of this process's start; `bootstrap` catches it
/// there. The process leads its own session and holds, besides the standard descriptors, only `socket`.
/// `bootstrap` must have been called here. Throws std::system_error.
[[nodiscard]] pid_t reexecute(process_role role, int socket);

/// Number of threads that existed when `bootstrap` was called: more than one comes from static initialisers.
[[nodiscard]] std::size_t threads_at_start() noexcept;

}  // namespace cadre::detail::process_os
