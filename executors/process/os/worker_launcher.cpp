#include "process/os/worker_launcher.hpp"

#include "process/os/bootstrap.hpp"
#include "process/os/exit_watch.hpp"
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

// How often a wait for the server checks whether the server is stopped; a stopped one is replaced.
constexpr std::chrono::milliseconds stop_check_interval = 50ms;

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
    shared_fd pidfd;
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
    mutable std::mutex mutex;  // under it: system calls and the fork server; no user code in this process
    exit_watch watched;
    unique_fd connection;
    unsigned server = 0;  // the ordinal of the connected server
    pid_t server_pid = 0;
    std::vector<live_worker> live;
    std::vector<worker_exit> exits;

    void record(const worker_exit& report) {
        exits.push_back(report);
        watched.set_ready();
    }

    void add(pid_t pid, const shared_fd& pidfd, reaper by, std::size_t rss) {
        live.push_back({pid, pidfd, by, rss});
        if (by == reaper::here) watched.watch(live.back().pidfd.get());
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

    void lose_connection() noexcept {
        watched.unwatch(connection.get());
        connection.reset();
        // The old server may still be exiting; a new connection must not reach it.
        retire_fork_server(server);
        for (live_worker& worker : live) {
            if (worker.reaped_by == reaper::server) {
                worker.reaped_by = reaper::init;
                watched.watch(worker.pidfd.get());
            }
        }
    }

    // @return false if the server does not answer
    bool wait_for_server() const {
        const auto end = std::chrono::steady_clock::now() + server_timeout;
        while (!wait_readable(connection.get(), stop_check_interval))
            if (std::chrono::steady_clock::now() >= end || is_stopped(server_pid)) return false;
        return true;
    }

    void ask_server_to_kill(pid_t pid) const noexcept {
        try {
            if (connection)
                static_cast<void>(try_send_message(connection.get(), bytes_of(kill_message{.pid = pid}), {}, false));
        } catch (const std::system_error&) {
            // The worker's lifeline remains.
        }
    }

    // Handles all messages of the server. @return the answer to a launch if there is one
    std::optional<std::pair<launched_message, unique_fd>> read_server() {
        while (connection) {
            received_message message = receive_message(connection.get(), false);
            if (message.what == received_message::kind::would_block) break;
            if (message.what == received_message::kind::end)
                lose_connection();
            else if (const auto ended = parse_message<ended_message>(message.bytes))
                on_report(*ended);
            else if (const auto launched = parse_message<launched_message>(message.bytes))
                return std::pair{*launched, message.fds.empty() ? unique_fd{} : std::move(message.fds[0])};
        }
        return std::nullopt;
    }

    // Handles all pending events, as far as there is memory; the others stay pending.
    void collect() noexcept {
        try {
            if (!watched.complete()) poll_all();
            handle_events();
        } catch (const std::exception&) {
            // A message without its descriptors answers no launch that anybody waits for.
        }
    }

    void poll_all() {
        read_server();
        std::vector<int> ended;
        for (const live_worker& worker : live)
            if (worker.reaped_by != reaper::server) ended.push_back(worker.pidfd.get());
        for (const int pidfd : ended)
            on_exit(pidfd);
    }

    void handle_events() {
        std::array<epoll_event, 32> events;
        for (;;) {
            const int n = watched.poll(events);
            bool progress = false;
            for (int i = 0; i < n; ++i) {
                const int fd = events[static_cast<std::size_t>(i)].data.fd;
                if (connection && fd == connection.get()) {
                    read_server();
                    progress = true;
                } else {
                    progress |= !watched.is_ready_mark(fd) && on_exit(fd);
                }
            }
            if (!progress) return;
        }
    }

    bool on_exit(int pidfd) {
        const auto it = std::ranges::find_if(live, [&](const live_worker& w) { return w.pidfd.get() == pidfd; });
        if (it == live.end() || !has_exited(pidfd)) return false;
        worker_exit report{.pid = it->pid};
        if (it->reaped_by == reaper::here)
            reap_here(*it, report);
        else
            static_cast<void>(kill_group(pidfd));  // the rest of its group, as far as that is permitted
        watched.unwatch(pidfd);
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
            if (!fresh.socket) return std::nullopt;
            connection = std::move(fresh.socket);
            server = fresh.server;
            server_pid = fresh.pid;
            watched.watch(connection.get());
        }
        pipe_ends lifeline = make_pipe();
        const encoded_request request = encode_request(spec, lifeline.read.get());
        if (!send_message(connection.get(), request.bytes, request.fds)) {
            lose_connection();
            continue;
        }
        while (connection) {
            if (!wait_for_server()) {
                lose_connection();
                break;
            }
            auto answer = read_server();
            if (!answer) continue;
            if (answer->first.error != 0)
                throw std::system_error(answer->first.error, std::system_category(), "forking a worker");
            launched_worker worker{answer->first.pid, std::move(answer->second), std::move(lifeline.write),
                                   start_method::forkserver};
            add(worker.pid, worker.pidfd, reaper::server, 0);
            return worker;
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
    add(pid, worker.pidfd, reaper::here, rss);
    // A failure means that the worker has ended: its pidfd and poll_exits() report that.
    send_message(ends.first.get(), request.bytes, request.fds);
    return worker;
}

worker_launcher::worker_launcher() : state_(std::make_unique<state>()) {}

worker_launcher::~worker_launcher() {
    for (const live_worker& worker : state_->live) {
        const bool killed = kill_group(worker.pidfd.get());
        if (!killed) state_->ask_server_to_kill(worker.pid);
        if (worker.reaped_by == reaper::here && killed) {
            worker_exit unused;
            reap_here(worker, unused);
        }
    }
}

launched_worker worker_launcher::launch(const worker_spec& spec) {
    if (spec.main == nullptr && !has_worker_main()) throw std::logic_error("no worker function is registered");
    const std::lock_guard lock{state_->mutex};
    if (spec.start == start_method::forkserver) {
        if (auto worker = state_->fork_worker(spec)) return std::move(*worker);
    }
    return state_->spawn_worker(spec);
}

void worker_launcher::kill(launched_worker& worker) noexcept {
    if (kill_group(worker.pidfd.get())) return;
    worker.lifeline.reset();
    // A launch that waits for the server holds the mutex. In that case closing the lifeline has to suffice.
    const std::unique_lock lock{state_->mutex, std::try_to_lock};
    if (lock) state_->ask_server_to_kill(worker.pid);
}

int worker_launcher::status_fd() const noexcept { return state_->watched.descriptor(); }

std::vector<worker_exit> worker_launcher::poll_exits() {
    const std::lock_guard lock{state_->mutex};
    state_->collect();
    if (!state_->exits.empty()) state_->watched.clear_ready();
    return std::exchange(state_->exits, {});
}

std::optional<worker_exit> worker_launcher::wait_exit(pid_t pid, std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    auto next_check = std::chrono::steady_clock::now() + stop_check_interval;
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
                if (exits.empty()) state_->watched.clear_ready();
                return report;
            }
            const auto worker = std::ranges::find(state_->live, pid, &live_worker::pid);
            if (worker == state_->live.end()) return std::nullopt;
            const bool by_report = worker->reaped_by == reaper::server;
            if (by_report && std::chrono::steady_clock::now() >= next_check) {
                next_check += stop_check_interval;
                if (is_stopped(state_->server_pid)) {
                    state_->lose_connection();
                    continue;
                }
            }
            source = by_report ? state_->connection.get() : worker->pidfd.get();
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        if (left.count() <= 0) return std::nullopt;
        // Another thread may close the descriptor, or open another file with its number: then the next poll comes a
        // little later or sooner. A copy would need a free descriptor, which a program may lack when its worker dies.
        static_cast<void>(wait_readable(source, std::min(left, exit_poll_interval)));
    }
}

bool worker_launcher::server_alive() const {
    const std::lock_guard lock{state_->mutex};
    pollfd p{state_->connection.get(), POLLIN, 0};
    return state_->connection && ::poll(&p, 1, 0) >= 0 && (p.revents & POLLHUP) == 0;
}

}  // namespace cadre::detail::process_os
