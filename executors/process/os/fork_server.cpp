#include "process/os/fork_server.hpp"

#include "base/process_owner.hpp"
#include "process/os/bootstrap.hpp"
#include "process/os/launch_protocol.hpp"
#include "process/os/process_setup.hpp"
#include "process/os/reexecute.hpp"
#include "process/os/syscalls.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <mutex>
#include <system_error>

#include <sys/wait.h>
#include <unistd.h>

namespace cadre::detail::process_os {
namespace {

// If the static initialisers of the program take longer, no server is started.
constexpr std::chrono::seconds start_limit{10};

// The exit status of a program whose libraries cannot be loaded.
constexpr int loader_failed = 127;

class server_process {
public:
    ~server_process() {
        if (owner_.here()) stop();
    }

    bool start() {
        const std::lock_guard lock{mutex_};
        return start_locked();
    }

    void stop() noexcept {
        const std::lock_guard lock{mutex_};
        stop_locked();
    }

    void retire(unsigned which) noexcept {
        const std::lock_guard lock{mutex_};
        if (which == starts_ && pidfd_ && owner_.here()) {
            // If this process may not signal it, the server ends when it finds the socket closed.
            if (!signal_process(pidfd_.get(), SIGKILL)) pidfd_.reset();
            stop_locked();
        }
    }

    bool alive() noexcept {
        const std::lock_guard lock{mutex_};
        return alive_locked();
    }

    server_connection connect() {
        const std::lock_guard lock{mutex_};
        // Twice: the server may die between the check and the message.
        for (int attempt = 0; attempt < 2; ++attempt) {
            if (!start_locked()) return {};
            socket_pair ends = make_socket_pair();
            const int theirs = ends.second.get();
            if (send_message(control_.get(), bytes_of(connect_message{}), {&theirs, 1}))
                return {std::move(ends.first), starts_, pid_};
        }
        throw_errno("connecting to the fork server");
    }

private:
    // The server writes only its first message to this socket: afterwards it becomes readable only when the server
    // ends.
    bool alive_locked() const noexcept { return control_ && owner_.here() && !has_exited(control_.get()); }

    bool start_locked() {
        if (alive_locked()) return true;
        stop_locked();
        // A later fork would copy the memory and state of a program at work: a replacement starts from a fresh image.
        const bool may_fork = thread_count() == 1 && (!bootstrapped() || starts_ == 0);
        const bool may_reexecute = bootstrapped() && threads_at_start() == 1;
        if (!may_fork && !may_reexecute) return false;
        socket_pair ends = make_socket_pair();
        unique_fd theirs = duplicate(ends.second.get());
        const unique_fd self = open_pidfd(::getpid());
        const int fd = self.get();
        static_cast<void>(send_message(ends.first.get(), bytes_of(adopt_message{}), {&fd, 1}));
        const pid_t starter = may_fork ? fork_server(theirs.get()) : reexecute(process_role::fork_server, theirs.get());
        ends.second.reset();
        theirs.reset();
        owner_ = process_owner();
        meet_server(ends.first.get(), starter);
        control_ = std::move(ends.first);
        ++starts_;
        return true;
    }

    // By a process in between, which exits at once: the server becomes a child of init.
    pid_t fork_server(int socket) {
        flush_output();
        const pid_t starter = ::fork();
        if (starter < 0) throw_errno("fork");
        if (starter == 0) {
            if (const pid_t server = ::fork(); server != 0) ::_exit(server < 0 ? errno : 0);
            mutex_.unlock();  // the parent's thread locked it before the fork
            run_fork_server(socket);
        }
        return starter;
    }

    // Waits for the server's first message and reaps the process that started it.
    void meet_server(int socket, pid_t starter) {
        const bool in_time = wait_readable(socket, start_limit);
        if (!in_time) ::kill(starter, SIGKILL);
        int status = 0;
        while (::waitpid(starter, &status, 0) < 0 && errno == EINTR) {
        }
        received_message first;
        if (in_time) first = receive_message(socket);
        const auto hello = parse_message<hello_message>(first.bytes);
        if (!hello || first.fds.size() != 1) {
            const int error = WIFEXITED(status) && WEXITSTATUS(status) == loader_failed ? ELIBACC
                              : WIFEXITED(status) && WEXITSTATUS(status) != 0           ? WEXITSTATUS(status)
                              : in_time                                                 ? ECONNRESET
                                                                                        : ETIMEDOUT;
            throw std::system_error(error, std::system_category(),
                                    error == ECONNRESET ? "starting the fork server, which standard error explains"
                                                        : "starting the fork server");
        }
        pid_ = hello->pid;
        pidfd_ = std::move(first.fds[0]);
    }

    void stop_locked() noexcept {
        control_.reset();
        if (pidfd_ && owner_.here()) {
            // The server exits within microseconds unless a signal has stopped it.
            if (!wait_readable(pidfd_.get(), std::chrono::seconds{1})) signal_process(pidfd_.get(), SIGKILL);
        }
        pidfd_.reset();
    }

    std::mutex mutex_;  // under it: system calls; no user code in this process
    unique_fd control_;
    unique_fd pidfd_;
    pid_t pid_ = 0;
    process_owner owner_;  // started the server: a fork of it must not end the server
    unsigned starts_ = 0;
};

server_process& server() {
    static server_process the_server;
    return the_server;
}

}  // namespace

bool start_fork_server() { return server().start(); }

void stop_fork_server() noexcept { server().stop(); }

bool fork_server_alive() noexcept { return server().alive(); }

server_connection connect_fork_server() { return server().connect(); }

void retire_fork_server(unsigned which) noexcept { server().retire(which); }

}  // namespace cadre::detail::process_os
