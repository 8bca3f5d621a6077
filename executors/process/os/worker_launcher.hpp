/// @file
/// Starts worker processes and says how they ended.
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
    unique_fd pidfd{};     ///< readable once the worker has ended
    unique_fd lifeline{};  ///< the only write end: when it closes, by whatever, the kernel kills the worker's group
    start_method start = start_method::forkserver;  ///< spawn also when forking was asked for but is impossible
};

/// How a worker ended. Each launched worker is reported once.
struct worker_exit {
    pid_t pid = 0;
    int status = 0;               ///< as from wait(2): WIFSIGNALED, WEXITSTATUS, …; meaningless if not known
    std::size_t max_rss = 0;      ///< maximum resident set in bytes; 0: unknown
    bool status_known = false;    ///< false if the fork server died before its worker
};

/// Starts and reaps workers. All functions are thread-safe. A worker and all that stays in its process group end
/// together: whoever reaps the worker kills the rest of the group first.
class worker_launcher {
public:
    worker_launcher();
    /// Kills the workers that still live.
    ~worker_launcher();
    worker_launcher(const worker_launcher&) = delete;
    worker_launcher& operator=(const worker_launcher&) = delete;

    /// Starts a worker; returns when it exists. Starts the fork server again if it died.
    /// Throws cadre::config_error if no worker can be started from this process (see `bootstrap`),
    /// std::invalid_argument for an unusable spec, std::system_error when the system refuses.
    [[nodiscard]] launched_worker launch(const worker_spec& spec);

    /// One descriptor for the whole life of the launcher, readable when poll_exits() has something to report.
    [[nodiscard]] int status_fd() const noexcept;

    /// The workers that have ended since the last call; never blocks. A forked worker's report follows its pidfd by
    /// some 50 µs.
    [[nodiscard]] std::vector<worker_exit> poll_exits();

    /// Waits for the report on one worker; other reports are kept for poll_exits(). Empty if `limit` passed first or
    /// `pid` is not a worker of this launcher that is still to be reported.
    [[nodiscard]] std::optional<worker_exit> wait_exit(pid_t pid, std::chrono::milliseconds limit);

    /// Whether this launcher's connection to the fork server lives.
    [[nodiscard]] bool server_alive() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace cadre::detail::process_os
