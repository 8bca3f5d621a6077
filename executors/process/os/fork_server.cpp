#include "process/os/fork_server.hpp"

#include "process/os/bootstrap.hpp"
#include "process/os/launch_protocol.hpp"
#include "process/os/process_setup.hpp"
#include "process/os/reexecute.hpp"
#include "process/os/syscalls.hpp"

#include <chrono>
#include <csignal>
#include <mutex>

#include <sys/wait.h>
#include <unistd.h>

namespace cadre::detail::process_os {
namespace {

class server_process {
public:
    ~server_process() {
        if (owner_ == ::getpid()) {
            stop();
        }
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
        if (which == starts_ && pidfd_ && owner_ == ::getpid()) {
            signal_process(pidfd_.get(), SIGKILL);
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
            if (!start_locked()) {
                return {};
            }
            socket_pair ends = make_socket_pair();
            const int theirs = ends.second.get();
            if (send_message(control_.get(), bytes_of(connect_message{}), {&theirs, 1})) {
                return {std::move(ends.first), starts_};
            }
        }
        throw_errno("connecting to the fork server");
    }

private:
    // The server never writes to this socket: it becomes readable only when the server ends.
    bool alive_locked() const noexcept { return control_ && owner_ == ::getpid() && !has_exited(control_.get()); }

    bool start_locked() {
        if (alive_locked()) {
            return true;
        }
        stop_locked();
        // A later fork would copy the memory and state of a program at work: a replacement starts from a fresh image.
        const bool may_fork = thread_count() == 1 && (!bootstrapped() || starts_ == 0);
        const bool may_reexecute = bootstrapped() && threads_at_start() == 1;
        if (!may_fork && !may_reexecute) {
            return false;
        }
        socket_pair ends = make_socket_pair();
        const unique_fd theirs = duplicate(ends.second.get());
        const pid_t parent = ::getpid();
        const pid_t pid =
            may_fork ? fork_server(theirs.get(), parent) : reexecute(process_role::fork_server, theirs.get());
        owner_ = parent;
        pidfd_ = open_pidfd(pid);
        control_ = std::move(ends.first);
        ++starts_;
        return true;
    }

    pid_t fork_server(int socket, pid_t parent) {
        flush_output();
        const pid_t pid = ::fork();
        if (pid < 0) {
            throw_errno("fork");
        }
        if (pid == 0) {
            mutex_.unlock();  // the parent's thread locked it before the fork
            run_fork_server(socket, parent);
        }
        return pid;
    }

    void stop_locked() noexcept {
        control_.reset();
        if (pidfd_ && owner_ == ::getpid()) {
            // The server exits within microseconds unless a signal has stopped it.
            if (!wait_readable(pidfd_.get(), std::chrono::seconds{1})) {
                signal_process(pidfd_.get(), SIGKILL);
            }
            siginfo_t unused{};
            ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &unused, WEXITED);
        }
        pidfd_.reset();
    }

    std::mutex mutex_;  // under it: system calls; no user code in this process
    unique_fd control_;
    unique_fd pidfd_;  // not a pid: a program that waits for any child may have reaped the server
    pid_t owner_ = 0;  // the process that started the server: a fork of it must not end the server
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
