// The fork server process: forks workers, reaps them and reports their exit status.

#include "process/os/launch_protocol.hpp"
#include "process/os/process_setup.hpp"
#include "process/os/process_title.hpp"
#include "process/os/syscalls.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <deque>
#include <exception>
#include <map>
#include <system_error>
#include <utility>

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cadre::detail::process_os {
namespace {

struct outgoing {
    std::vector<std::byte> bytes;
    unique_fd fd;
};

struct connection {
    unique_fd socket;
    std::deque<outgoing> waiting;  // while the peer does not read: the server must not block on one connection
};

struct child {
    pid_t pid = 0;
    unique_fd pidfd;
    int connection = -1;  // descriptor of the launcher's socket; -1 once the launcher has disconnected
};

class fork_server_loop {
public:
    fork_server_loop(int control, unique_fd parent_pidfd) : control_(control), parent_pidfd_(std::move(parent_pidfd)) {
        if (!epoll_) throw_errno("epoll_create1");
        watch(EPOLL_CTL_ADD, control_, EPOLLIN);
        watch(EPOLL_CTL_ADD, parent_pidfd_.get(), EPOLLIN);
    }

    [[noreturn]] void run() {
        std::array<epoll_event, 64> events;
        for (;;) {
            const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
            if (n < 0 && errno != EINTR) throw_errno("epoll_wait");
            for (int i = 0; i < n; ++i)
                handle(events[static_cast<std::size_t>(i)]);
        }
    }

private:
    void watch(int operation, int fd, std::uint32_t events) {
        epoll_event event{};
        event.events = events;
        event.data.fd = fd;
        if (::epoll_ctl(epoll_.get(), operation, fd, &event) != 0) throw_errno("epoll_ctl");
    }

    // close() would not suffice: the parent holds a copy of each pidfd, and epoll watches until the last copy closes.
    void unwatch(int fd) noexcept { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

    // An earlier event of the batch may have closed the descriptor. If its number was reused, the handler of the new
    // descriptor finds nothing to read and nothing to reap.
    void handle(const epoll_event& event) {
        const int fd = event.data.fd;
        if (fd == control_) {
            accept_connection();
        } else if (fd == parent_pidfd_.get()) {
            end_with_parent();
        } else if (children_.contains(fd)) {
            reap(fd);
        } else if (connections_.contains(fd)) {
            if ((event.events & EPOLLOUT) != 0 && !flush(fd)) return;
            if ((event.events & ~std::uint32_t{EPOLLOUT}) != 0) serve(fd);
        }
    }

    void accept_connection() {
        received_message message = receive_message(control_, false);
        if (message.what == received_message::kind::end) ::_exit(0);
        if (parse_message<connect_message>(message.bytes) && message.fds.size() == 1) {
            const int fd = message.fds[0].get();
            watch(EPOLL_CTL_ADD, fd, EPOLLIN);
            connections_[fd].socket = std::move(message.fds[0]);
        }
    }

    // The lifelines have killed the workers, unless another fork of the parent holds their write ends.
    [[noreturn]] void end_with_parent() {
        for (const auto& [pidfd, worker] : children_)
            ::kill(-worker.pid, SIGKILL);
        ::_exit(0);
    }

    void serve(int fd) {
        launched_message answer;
        received_message message;
        try {
            message = receive_message(fd, false);
        } catch (const std::system_error& e) {
            // Without free descriptors a request arrives without its own.
            answer.error = e.code().value();
            send(fd, bytes_of(answer), {});
            return;
        }
        switch (message.what) {
            case received_message::kind::would_block: return;
            case received_message::kind::end: drop(fd); return;
            case received_message::kind::message: break;
        }
        if (const auto wish = parse_message<kill_message>(message.bytes)) {
            kill_worker(fd, wish->pid);
            return;
        }
        unique_fd pidfd;
        if (auto request = decode_request(message.bytes, std::move(message.fds)))
            pidfd = launch(std::move(*request), fd, answer);
        else
            answer.error = EBADMSG;
        send(fd, bytes_of(answer), std::move(pidfd));
    }

    // A request of a program that may no longer signal its workers.
    void kill_worker(int connection_fd, pid_t pid) noexcept {
        for (const auto& [pidfd, worker] : children_)
            if (worker.connection == connection_fd && worker.pid == pid) ::kill(-pid, SIGKILL);
    }

    unique_fd launch(worker_request&& request, int connection_fd, launched_message& answer) {
        const pid_t pid = ::fork();
        if (pid == 0) become_worker(std::move(request));
        if (pid < 0) {
            answer.error = errno;
            return {};
        }
        // Parent and child both call it, so that the group exists whichever runs first.
        ::setpgid(pid, pid);
        try {
            child worker{pid, open_pidfd(pid), connection_fd};
            unique_fd copy = duplicate(worker.pidfd.get());
            const int fd = worker.pidfd.get();
            watch(EPOLL_CTL_ADD, fd, EPOLLIN);
            children_.emplace(fd, std::move(worker));
            answer.pid = pid;
            return copy;
        } catch (const std::exception&) {
            answer.error = errno != 0 ? errno : EMFILE;
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
            return {};
        }
    }

    void reap(int pidfd) {
        const auto it = children_.find(pidfd);
        const pid_t pid = it->second.pid;
        if (!has_exited(pidfd)) return;
        // Before the leader is reaped its id cannot be reused: this kills only the rest of its group.
        ::kill(-pid, SIGKILL);
        ended_message report;
        report.pid = pid;
        rusage usage{};
        report.status_known = ::wait4(pid, &report.status, 0, &usage) == pid;
        report.max_rss_kib = usage.ru_maxrss;
        const int connection_fd = it->second.connection;
        unwatch(pidfd);
        children_.erase(it);
        if (connection_fd >= 0) send(connection_fd, bytes_of(report), {});
    }

    void send(int fd, std::span<const std::byte> bytes, unique_fd attached) {
        connection& to = connections_.at(fd);
        to.waiting.push_back({{bytes.begin(), bytes.end()}, std::move(attached)});
        if (to.waiting.size() == 1 && flush(fd) && !to.waiting.empty()) watch(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT);
    }

    // @return false if the peer had closed the connection, which is dropped then
    bool flush(int fd) {
        connection& to = connections_.at(fd);
        while (!to.waiting.empty()) {
            const outgoing& next = to.waiting.front();
            const int attached = next.fd.get();
            switch (try_send_message(fd, next.bytes, {&attached, attached >= 0 ? 1u : 0u}, false)) {
                case send_result::sent: to.waiting.pop_front(); break;
                case send_result::would_block: return true;
                case send_result::gone: drop(fd); return false;
            }
        }
        watch(EPOLL_CTL_MOD, fd, EPOLLIN);
        return true;
    }

    void drop(int fd) {
        for (auto& [pidfd, worker] : children_)
            if (worker.connection == fd) worker.connection = -1;
        unwatch(fd);
        connections_.erase(fd);
    }

    int control_;
    unique_fd parent_pidfd_;
    unique_fd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
    std::map<int, connection> connections_;
    std::map<int, child> children_;  // by pidfd
};

// @return a pidfd of the program
unique_fd meet_parent(int control) {
    received_message first = receive_message(control);
    if (!parse_message<adopt_message>(first.bytes) || first.fds.size() != 1) ::_exit(0);
    const unique_fd self = open_pidfd(::getpid());
    const int fd = self.get();
    if (!send_message(control, bytes_of(hello_message{.pid = ::getpid()}), {&fd, 1})) ::_exit(0);
    return std::move(first.fds[0]);
}

// The server holds two descriptors of each worker, so it raises its limit. The workers get the limit of the program.
void raise_descriptor_limit() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

void run_fork_server(int control) noexcept {
    try {
        // Detached from the terminal: no SIGINT, SIGTSTP or SIGHUP.
        ::setsid();
        reset_signals();
        open_missing_standard_fds();
        detach_standard_input();
        const int keep[] = {control};
        close_other_fds(keep);
        set_process_title("fork server");
        raise_descriptor_limit();
        fork_server_loop{control, meet_parent(control)}.run();
    } catch (const std::exception& e) {
        std::fprintf(stderr, "cadre: fork server terminated: %s\n", e.what());
        ::_exit(1);
    }
}

}  // namespace cadre::detail::process_os
