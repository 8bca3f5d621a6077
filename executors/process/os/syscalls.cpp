#include "process/os/syscalls.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <thread>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mapped_memory.hpp"

namespace cadre::detail::process_os {
namespace {

// Since Linux 6.9; the C library of Debian 12 does not name it yet.
constexpr unsigned signal_whole_group = 1u << 2;

long send_by_pidfd(int pidfd, int signal, unsigned flags) noexcept {
    return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, flags);
}

void close_range_of(unsigned first, unsigned last) noexcept {
    if (first > last || ::syscall(SYS_close_range, first, last, 0u) == 0) return;
    const long limit = ::sysconf(_SC_OPEN_MAX);
    for (unsigned fd = first; fd <= last && static_cast<long>(fd) < limit; ++fd)
        ::close(static_cast<int>(fd));
}

}  // namespace

void throw_errno(const char* call) { throw std::system_error(errno, std::system_category(), call); }

unique_fd make_memfd(const char* name, std::size_t size) {
    unique_fd fd{::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (!fd) throw_errno("memfd_create");
    set_size(fd.get(), size, "memory shared with workers");
    if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        throw_errno("fcntl(F_ADD_SEALS)");
    return fd;
}

pipe_ends make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("pipe2");
    return {unique_fd{ends[0]}, unique_fd{ends[1]}};
}

unique_fd duplicate(int fd) {
    unique_fd copy{::fcntl(fd, F_DUPFD_CLOEXEC, 3)};
    if (!copy) throw_errno("fcntl(F_DUPFD_CLOEXEC)");
    return copy;
}

unique_fd open_pidfd(pid_t pid) {
    unique_fd fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0u))};
    if (!fd) throw_errno("pidfd_open");
    return fd;
}

bool signal_process(int pidfd, int signal) noexcept { return send_by_pidfd(pidfd, signal, 0) == 0; }

bool kill_group(int pidfd) noexcept {
    return send_by_pidfd(pidfd, SIGKILL, signal_whole_group) == 0 || send_by_pidfd(pidfd, SIGKILL, 0) == 0 ||
           errno == ESRCH;
}

bool is_stopped(pid_t pid) noexcept {
    char path[32];
    std::snprintf(path, sizeof path, "/proc/%d/stat", static_cast<int>(pid));
    const unique_fd file{::open(path, O_RDONLY | O_CLOEXEC)};
    std::array<char, 128> text{};
    const ssize_t size = file ? ::read(file.get(), text.data(), text.size()) : 0;
    const std::string_view line(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    // `pid (name) state …`; the name may contain anything.
    const std::size_t name_end = line.rfind(')');
    if (name_end == std::string_view::npos || name_end + 2 >= line.size()) return false;
    return line[name_end + 2] == 'T' || line[name_end + 2] == 't';
}

bool has_exited(int pidfd) noexcept {
    pollfd p{pidfd, POLLIN, 0};
    return ::poll(&p, 1, 0) == 1;
}

bool wait_readable(int fd, std::chrono::milliseconds limit) noexcept {
    using clock = std::chrono::steady_clock;
    const bool forever = limit.count() < 0;
    const auto end = clock::now() + limit;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - clock::now()).count();
        pollfd p{fd, POLLIN, 0};
        const int n = ::poll(&p, 1, forever ? -1 : static_cast<int>(std::clamp<long long>(left, 0, 1'000'000)));
        if (n > 0) return true;
        if (n < 0 && errno != EINTR) {
            // No memory, or a limit of no descriptors at all.
            std::this_thread::sleep_for(std::chrono::milliseconds{1});
        }
        if (!forever && clock::now() >= end) return false;
    }
}

std::size_t thread_count() noexcept {
    DIR* tasks = ::opendir("/proc/self/task");
    if (tasks == nullptr) return 0;
    std::size_t count = 0;
    while (const dirent* entry = ::readdir(tasks))
        count += entry->d_name[0] != '.';
    ::closedir(tasks);
    return count;
}

void close_other_fds(std::span<const int> keep) noexcept {
    int next = 3;
    for (;;) {
        // Quadratic in the size of `keep`, at most a few hundred, and without allocation: this runs after a fork.
        int lowest = -1;
        for (const int fd : keep)
            if (fd >= next && (lowest < 0 || fd < lowest)) lowest = fd;
        if (lowest < 0) {
            close_range_of(static_cast<unsigned>(next), ~0u);
            return;
        }
        if (lowest > next) close_range_of(static_cast<unsigned>(next), static_cast<unsigned>(lowest) - 1);
        next = lowest + 1;
    }
}

}  // namespace cadre::detail::process_os
