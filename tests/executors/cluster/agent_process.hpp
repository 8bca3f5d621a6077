/// @file
/// Agents and programs as processes of their own: this test program, executed again.
#pragma once

#include "private_broker.hpp"

#include <cadre/executors/cluster.hpp>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cadre::test {

class own_process {
public:
    /// @param variables  `NAME=value`, beside those of this process
    own_process(std::vector<std::string> arguments, std::vector<std::string> variables) {
        arguments.insert(arguments.begin(), "cadre_cluster_tests");
        for (char** each = environ; *each != nullptr; ++each)
            variables.emplace_back(*each);  // of two with one name the first counts
        const std::vector<char*> argv = pointers_to(arguments);
        const std::vector<char*> environment = pointers_to(variables);
        const pid_t parent = ::getpid();
        pid_ = ::fork();
        if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
        if (pid_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() == parent) ::execve("/proc/self/exe", argv.data(), environment.data());
        ::_exit(127);
    }
    own_process(own_process&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
    own_process& operator=(own_process&&) = delete;
    ~own_process() {
        send(SIGKILL);
        static_cast<void>(wait());
    }

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    void send(int signal) const {
        if (pid_ > 0) ::kill(pid_, signal);
    }
    /// @return its exit status, or 128 and the signal that has ended it
    int wait() {
        if (pid_ <= 0) return -1;
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

private:
    static std::vector<char*> pointers_to(std::vector<std::string>& texts) {
        std::vector<char*> pointers;
        for (std::string& each : texts)
            pointers.push_back(each.data());
        pointers.push_back(nullptr);
        return pointers;
    }

    pid_t pid_ = -1;
};

inline own_process start_agent(const std::string& group, std::vector<std::string> more = {}) {
    more.insert(more.begin(), "--cadre-agent");
    return {std::move(more), {"CADRE_CLUSTER_URL=" + private_broker::instance().url(), "CADRE_CLUSTER_NAME=" + group}};
}

/// With one worker on each of `nodes` agents, which are there when it has been made. The group is also its name.
inline executor make_cluster(const std::string& group, std::size_t nodes, process_options host = {},
                             bool local = false) {
    const std::string url = private_broker::instance().url();
    cluster_options options;
    options.host = host;
    options.host.workers = 1;
    options.host.name = group;
    options.local = local;
    options.nodes = nodes;
    options.url = url;
    options.name = group;
    return make_cluster_executor(options);
}

/// Process ids that calls report when they begin, whichever host runs them: a FIFO.
class begun_calls {
public:
    explicit begun_calls(std::string path) : path_(std::move(path)) {
        ::unlink(path_.c_str());
        if (::mkfifo(path_.c_str(), 0600) != 0) throw std::system_error(errno, std::generic_category(), path_);
        fd_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
    }
    begun_calls(const begun_calls&) = delete;
    ~begun_calls() {
        ::close(fd_);
        ::unlink(path_.c_str());
    }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    /// Waits for the next one. @throws std::runtime_error after 20 seconds
    [[nodiscard]] pid_t next() const {
        pollfd ready{fd_, POLLIN, 0};
        std::int32_t pid = 0;
        if (::poll(&ready, 1, 20'000) != 1 || ::read(fd_, &pid, sizeof pid) != sizeof pid)
            throw std::runtime_error("no call has begun");
        return pid;
    }
    /// In the call.
    static void report(const std::string& path) {
        const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
        const std::int32_t pid = ::getpid();
        static_cast<void>(!::write(fd, &pid, sizeof pid));
        ::close(fd);
    }

private:
    std::string path_;
    int fd_ = -1;
};

/// @return whether the process ends in time
inline bool ends_within(pid_t pid, int milliseconds) {
    const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (fd < 0) return errno == ESRCH;
    pollfd ready{fd, POLLIN, 0};
    const bool ended = ::poll(&ready, 1, milliseconds) == 1;
    ::close(fd);
    return ended;
}

}  // namespace cadre::test
