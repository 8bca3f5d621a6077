/// @file
/// The parent's side of the fork server: one small single-threaded process from which workers are forked.
#pragma once

#include "process/os/unique_fd.hpp"

namespace cadre::detail::process_os {

/// Starts the server unless it runs. By a plain fork if this process has one thread, else by re-executing the program.
/// Descriptors above 2 are closed in the server. Thread-safe.
/// Returns false if neither is possible (threads exist and `bootstrap` was not called), or if re-executing would not
/// help because static initialisers start threads: workers must then be spawned.
/// Throws std::system_error when the system refuses.
bool start_fork_server();

/// Ends the server and reaps it. Workers go on, unwatched. Done at exit if nobody does it before.
void stop_fork_server() noexcept;

/// Whether the server runs; false as soon as it died.
[[nodiscard]] bool fork_server_alive() noexcept;

struct server_connection {
    unique_fd socket{};
    unsigned server = 0;  ///< which start of the server this is
};

/// A new connection to the server, which is started (again) if it does not run. No socket if workers cannot be forked
/// (see start_fork_server).
[[nodiscard]] server_connection connect_fork_server();

/// Ends a server that does not answer or has closed a connection, which only a dying one does. Nothing if it has been
/// replaced already.
void retire_fork_server(unsigned server) noexcept;

}  // namespace cadre::detail::process_os
