#include "process/os/process_setup.hpp"

#include "process/os/crash_page.hpp"
#include "process/os/syscalls.hpp"

#include <cadre/detail/base/sanitizers.hpp>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <new>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

namespace cadre::detail::process_os {

void open_missing_standard_fds() {
    for (int fd = 0; fd < 3; ++fd) {
        // open() returns the lowest free number, and all lower ones are open.
        if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) < 0)
            throw_errno("open(/dev/null)");
    }
}

void detach_standard_input() {
    const unique_fd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    if (!null || ::dup2(null.get(), STDIN_FILENO) < 0) throw_errno("open(/dev/null)");
}

void reset_signals() {
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        struct sigaction now{};
        if (::sigaction(signal, nullptr, &now) == 0 && (now.sa_handler != SIG_IGN || signal == SIGCHLD))
            ::sigaction(signal, &standard, nullptr);
    }
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGINT, &ignore, nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void limit_memory(std::uint64_t bytes) {
    if (bytes == 0) return;
    std::set_new_handler(&record_failed_allocation);
#ifndef CADRE_NO_MEMORY_LIMIT
    rlimit limit{};
    if (::getrlimit(RLIMIT_DATA, &limit) != 0) throw_errno("getrlimit(RLIMIT_DATA)");
    if (limit.rlim_max == RLIM_INFINITY || bytes < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max = bytes;
        if (::setrlimit(RLIMIT_DATA, &limit) != 0) throw_errno("setrlimit(RLIMIT_DATA)");
    }
#endif
}

void set_affinity(const std::vector<int>& cpus) {
    if (cpus.empty()) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const int cpu : cpus)
        CPU_SET(static_cast<std::size_t>(cpu), &set);
    if (::sched_setaffinity(0, sizeof set, &set) != 0) throw_errno("sched_setaffinity");
}

void flush_output() noexcept {
    try {
        std::cout.flush();
        std::wcout.flush();
        std::clog.flush();
    } catch (...) {
        // A stream that throws on failure has lost its output; the process continues.
    }
    std::fflush(nullptr);
}

void hang_on_lifeline(int read_end) {
    if (::fcntl(read_end, F_SETOWN, -::getpgrp()) != 0 || ::fcntl(read_end, F_SETSIG, SIGKILL) != 0)
        throw_errno("fcntl(F_SETOWN)");
    const int flags = ::fcntl(read_end, F_GETFL);
    if (flags < 0 || ::fcntl(read_end, F_SETFL, flags | O_ASYNC) != 0) throw_errno("fcntl(O_ASYNC)");
    // Only a later close sends the signal: check for an earlier one.
    pollfd p{read_end, 0, 0};
    if (::poll(&p, 1, 0) == 1) ::kill(-::getpgrp(), SIGKILL);
}

}  // namespace cadre::detail::process_os
