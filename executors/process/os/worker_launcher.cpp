#include "process/os/worker_launcher.hpp"

#include "base/doorbell.hpp"
#include "process/os/bootstrap.hpp"
#include "process/os/fork_server.hpp"
#include "process/os/launch_protocol.hpp"
#include "process/os/reexecute.hpp"
#include "process/os/syscalls.hpp"

#include <cadre/errors.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cadre::detail::process_os {
namespace {

using namespace std::chrono_literals;

// A server that does not answer a request within this time is replaced.
constexpr auto server_timeout = 10s;

constexpr int max_server_attempts = 5;
// Another thread may receive the report that a waiter waits for, so waiters poll.
constexpr std::chrono::milliseconds exit_poll_interval = 5ms;

// Which process reaps a worker.
enum class reaper {
    server,   // the fork server, which reports the status
    here,     // this process, which spawned the worker
    init,     // its fork server died: the status is lost
};

struct live_worker {
    pid_t pid = 0;
    unique_fd pidfd;
    reaper reaped_by = reaper::server;
    std::size_t rss_at_start = 0;
};

std::size_t peak_rss_of_this_process() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

void reap_here(const live_worker& worker, worker_exit& report) {
    siginfo_t ended{};
    rusage usage{};
    // Fails if the program waits for any child by itself, or ignores SIGCHLD.
    if (::waitid(P_PIDFD, static_cast<id_t>(worker.pidfd.get()), &ended, WEXITED | WNOWAIT) == 0) {
        // Before the leader is reaped its id cannot be reused: this kills only the rest of its group.
        ::kill(-worker.pid, SIGKILL);
        report.status_known = ::wait4(worker.pid, &report.status, 0, &usage) == worker.pid;
    }
    // The kernel counts the memory of this process until the exec: a smaller peak of the worker is unknown.
    const auto peak = static_cast<std::size_t>(usage.ru_maxrss) * 1024;
    report.max_rss = report.status_known && peak > worker.rss_at_start ? peak : 0;
}

}  // namespace

struct worker_launcher::state {
    mutable std::mutex mutex;
    unique_fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
    doorbell has_exits;  // rung while `exits` is not empty
    unique_fd connection;
    unsigned server = 0;  // the ordinal of the connected server
    std::vector<live_worker> live;
    std::vector<worker_exit> exits;

    state() {
        if (!epoll) {
            throw_errno("epoll_create1");
        }
        watch(has_exits.descriptor());
    }

    void watch(int fd) const {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
            throw_errno("epoll_ctl");
        }
    }

    // close() would not suffice: the caller holds a copy of each pidfd, and epoll watches until the last copy closes.
    void unwatch(int fd) const noexcept { ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, fd, nullptr); }

    void record(const worker_exit& report) {
        exits.push_back(report);
        has_exits.ring();
    }

    void add(pid_t pid, int pidfd, reaper by, std::size_t rss) {
        live.push_back({pid, duplicate(pidfd), by, rss});
        if (by == reaper::here) {
            watch(live.back().pidfd.get());
        }
    }

    void on_report(const ended_message& ended) {
        const auto it = std::ranges::find_if(
            live, [&](const live_worker& w) { return w.pid == ended.pid && w.reaped_by == reaper::server; });
        if (it != live.end()) {
            const auto peak = static_cast<std::size_t>(ended.max_rss_kib) * 1024;
            record({ended.pid, ended.status, peak, ended.status_known != 0});
            live.erase(it);
        }
    }

    void lose_connection() {
        unwatch(connection.get());
        connection.reset();
        // The old server may still be exiting; a new connection must not reach it.
        retire_fork_server(server);
        for (live_worker& worker : live) {
            if (worker.reaped_by == reaper::server) {
                worker.reaped_by = reaper::init;
                watch(worker.pidfd.get());
            }
        }
    }

    // Handles all messages of the server. @return the answer to a launch if there is one
    std::optional<std::pair<launched_message, unique_fd>> read_server() {
        while (connection) {
            received_message message = receive_message(connection.get(), false);
            if (message.what == received_message::kind::would_block) {
                break;
            }
            if (message.what == received_message::kind::end) {
                lose_connection();
            } else if (const auto ended = parse_message<ended_message>(message.bytes)) {
                on_report(*ended);
            } else if (const auto launched = parse_message<launched_message>(message.bytes)) {
                return std::pair{*launched, message.fds.empty() ? unique_fd{} : std::move(message.fds[0])};
            }
        }
        return std::nullopt;
    }

    // Handles all pending events.
    void collect() {
        std::array<epoll_event, 32> events;
        for (;;) {
            const int n = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), 0);
            bool progress = false;
            for (int i = 0; i < n; ++i) {
                const int fd = events[static_cast<std::size_t>(i)].data.fd;
                if (connection && fd == connection.get()) {
                    read_server();
                    progress = true;
                } else {
                    progress |= fd != has_exits.descriptor() && on_exit(fd);
                }
            }
            if (!progress) {
                return;
            }
        }
    }

    bool on_exit(int pidfd) {
        const auto it = std::ranges::find_if(live, [&](const live_worker& w) { return w.pidfd.get() == pidfd; });
        if (it == live.end() || !has_exited(pidfd)) {
            return false;
        }
        worker_exit report{.pid = it->pid};
        if (it->reaped_by == reaper::here) {
            reap_here(*it, report);
        } else {
            kill_group(pidfd);  // the rest of its group
        }
        unwatch(pidfd);
        live.erase(it);
        record(report);
        return true;
    }

    std::optional<launched_worker> fork_worker(const worker_spec& spec);
    launched_worker spawn_worker(const worker_spec& spec);
};

// Empty if workers cannot be forked in this program.
std::optional<launched_worker> worker_launcher::state::fork_worker(const worker_spec& spec) {
    // If the server dies during a request, a worker that it had forked ends with the lifeline of that attempt.
    for (int attempt = 0; attempt < max_server_attempts; ++attempt) {
        if (!connection) {
            server_connection fresh = connect_fork_server();
            if (!fresh.socket) {
                return std::nullopt;
            }
            connection = std::move(fresh.socket);
            server = fresh.server;
            watch(connection.get());
        }
        pipe_ends lifeline = make_pipe();
        const encoded_request request = encode_request(spec, lifeline.read.get());
        if (!send_message(connection.get(), request.bytes, request.fds)) {
            lose_connection();
            continue;
        }
        while (connection) {
            if (!wait_readable(connection.get(), server_timeout)) {
                lose_connection();
                break;
            }
            auto answer = read_server();
            if (!answer) {
                continue;
            }
            if (answer->first.error != 0) {
                throw std::system_error(answer->first.error, std::system_category(), "forking a worker");
            }
            add(answer->first.pid, answer->second.get(), reaper::server, 0);
            return launched_worker{answer->first.pid, std::move(answer->second), std::move(lifeline.write),
                                   start_method::forkserver};
        }
    }
    throw std::system_error(ECONNRESET, std::system_category(),
                            "forking a worker: the fork server terminated repeatedly");
}

launched_worker worker_launcher::state::spawn_worker(const worker_spec& spec) {
    if (!bootstrapped()) {
        throw config_error("worker processes need a cadre::runtime as the first line of main, or a process that has no "
                           "other thread yet");
    }
    worker_spec effective = spec;
    effective.start = start_method::spawn;
    pipe_ends lifeline = make_pipe();
    const encoded_request request = encode_request(effective, lifeline.read.get());
    socket_pair ends = make_socket_pair();
    const std::size_t rss = peak_rss_of_this_process();
    const pid_t pid = reexecute(process_role::worker, ends.second.get());
    ends.second.reset();
    launched_worker worker{pid, open_pidfd(pid), std::move(lifeline.write), start_method::spawn};
    add(pid, worker.pidfd.get(), reaper::here, rss);
    // A failure means that the worker has ended: its pidfd and poll_exits() report that.
    send_message(ends.first.get(), request.bytes, request.fds);
    return worker;
}

worker_launcher::worker_launcher() : state_(std::make_unique<state>()) {}

worker_launcher::~worker_launcher() {
    for (const live_worker& worker : state_->live) {
        kill_group(worker.pidfd.get());
        if (worker.reaped_by == reaper::here) {
            worker_exit unused;
            reap_here(worker, unused);
        }
    }
}

launched_worker worker_launcher::launch(const worker_spec& spec) {
    if (spec.main == nullptr && !has_worker_main()) {
        throw std::logic_error("no worker function is registered");
    }
    const std::lock_guard lock{state_->mutex};
    if (spec.start == start_method::forkserver) {
        if (auto worker = state_->fork_worker(spec)) {
            return std::move(*worker);
        }
    }
    return state_->spawn_worker(spec);
}

int worker_launcher::status_fd() const noexcept { return state_->epoll.get(); }

std::vector<worker_exit> worker_launcher::poll_exits() {
    const std::lock_guard lock{state_->mutex};
    state_->collect();
    if (!state_->exits.empty()) {
        state_->has_exits.clear();
    }
    return std::exchange(state_->exits, {});
}

std::optional<worker_exit> worker_launcher::wait_exit(pid_t pid, std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    for (;;) {
        int source = -1;
        {
            const std::lock_guard lock{state_->mutex};
            state_->collect();
            std::vector<worker_exit>& exits = state_->exits;
            const auto it = std::ranges::find(exits, pid, &worker_exit::pid);
            if (it != exits.end()) {
                const worker_exit report = *it;
                exits.erase(it);
                if (exits.empty()) {
                    state_->has_exits.clear();
                }
                return report;
            }
            const auto worker = std::ranges::find(state_->live, pid, &live_worker::pid);
            if (worker == state_->live.end()) {
                return std::nullopt;
            }
            const bool by_report = worker->reaped_by == reaper::server;
            source = by_report ? state_->connection.get() : worker->pidfd.get();
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        if (left.count() <= 0) {
            return std::nullopt;
        }
        // Another thread may close the descriptor, or open another file with its number: then the next poll comes a little
        // later or sooner. A copy would need a free descriptor, which a program may lack when its worker dies.
        static_cast<void>(wait_readable(source, std::min(left, exit_poll_interval)));
    }
}

bool worker_launcher::server_alive() const {
    const std::lock_guard lock{state_->mutex};
    pollfd p{state_->connection.get(), POLLIN, 0};
    return state_->connection && ::poll(&p, 1, 0) >= 0 && (p.revents & POLLHUP) == 0;
}

}  // namespace cadre::detail::process_os
