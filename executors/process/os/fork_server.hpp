/// @file
/// The parent's side of the fork server: one small single-threaded process from which workers are forked. It is no
/// child of this process, so that a program that waits for all of its children does not wait for it.
#pragma once

#include "process/os/unique_fd.hpp"

#include <sys/types.h>

namespace cadre::detail::process_os {

/// Starts the server unless it runs: by fork if this process has one thread, else by re-execution of the program. The
/// server closes all descriptors above 2. Thread-safe.
/// @return false if workers must be spawned instead: threads exist and `bootstrap` was not called, or static
/// initialisers start threads in a re-executed program as well
/// @throws std::system_error if a system call fails
bool start_fork_server();

/// Ends the server. Its workers continue, and their exit status is lost. Happens at exit at the latest.
void stop_fork_server() noexcept;

/// Whether the server runs.
[[nodiscard]] bool fork_server_alive() noexcept;

struct server_connection {
    unique_fd socket{};
    unsigned server = 0;  ///< ordinal of the server among those that this process started
    pid_t pid = 0;  ///< of the server
};

/// Opens a connection to the server and starts the server if it does not run. No socket if workers cannot be forked
/// (see start_fork_server).
[[nodiscard]] server_connection connect_fork_server();

/// Ends a server that does not answer or has closed a connection. Does nothing if another server has replaced it.
void retire_fork_server(unsigned server) noexcept;

}  // namespace cadre::detail::process_os
