/// @file
/// Starts worker processes and reports their exit status.
///
///     worker_launcher launcher;
///     launched_worker w = launcher.launch({.slot = 0, .generation = 1, .fds = {memfd.get()}});
///     // … epoll on launcher.status_fd() and w.pidfd …
///     for (const worker_exit& e : launcher.poll_exits()) { … }
#pragma once

#include "process/os/worker_spec.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <sys/types.h>

namespace cadre::detail::process_os {

struct launched_worker {
    pid_t pid = 0;
    shared_fd pidfd{};     ///< readable once the worker has ended
    unique_fd lifeline{};  ///< the only write end: when it closes, the kernel kills the worker's group
    start_method start = start_method::forkserver;  ///< spawn also if a fork was requested but is impossible
};

/// How a worker ended. Each launched worker is reported once.
struct worker_exit {
    pid_t pid = 0;
    int status = 0;               ///< as from wait(2): WIFSIGNALED, WEXITSTATUS, …; unspecified if not known
    std::size_t max_rss = 0;      ///< maximum resident set in bytes; 0: unknown
    bool status_known = false;    ///< false if the fork server died before its worker
};

/// Starts and reaps workers. All functions are thread-safe. A worker's process group ends with the worker: the process
/// that reaps the worker kills the rest of its group first.
class worker_launcher {
public:
    worker_launcher();
    /// Kills the workers that still live.
    ~worker_launcher();
    worker_launcher(const worker_launcher&) = delete;
    worker_launcher& operator=(const worker_launcher&) = delete;

    /// Starts a worker; returns when its process exists. Restarts the fork server if it died.
    /// @throws config_error if no worker can be started from this process (see `bootstrap`)
    /// @throws std::invalid_argument for an invalid spec
    /// @throws std::system_error if a system call fails
    [[nodiscard]] launched_worker launch(const worker_spec& spec);

    /// Kills the worker and its process group: by a signal, or, if this process may not signal it any more, by its
    /// lifeline and by the fork server, which keeps its privileges.
    void kill(launched_worker& worker) noexcept;

    /// Readable when poll_exits() has something to report. The same descriptor for the launcher's whole life.
    [[nodiscard]] int status_fd() const noexcept;

    /// The workers that have ended since the last call. Does not block. The report of a forked worker arrives some 50
    /// µs after its pidfd becomes readable.
    [[nodiscard]] std::vector<worker_exit> poll_exits();

    /// Waits for the report of one worker; other reports stay for poll_exits().
    /// @return empty after `limit`, or if no report of `pid` is outstanding
    [[nodiscard]] std::optional<worker_exit> wait_exit(pid_t pid, std::chrono::milliseconds limit);

    /// Whether this launcher is connected to the fork server.
    [[nodiscard]] bool server_alive() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace cadre::detail::process_os
