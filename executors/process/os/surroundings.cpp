#include "process/os/surroundings.hpp"

#include "process/os/syscalls.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cadre::detail::process_os {

namespace {

constexpr int max_groups = 1024;

// umask(2) can only change it, for all threads.
std::uint32_t current_umask() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("Umask:")) return static_cast<std::uint32_t>(std::strtoul(line.c_str() + 6, nullptr, 8));
    return surroundings::unknown_umask;
}

void set_limits(const surroundings& from) noexcept {
    for (unsigned i = 0; i != from.limits.size(); ++i) {
        const auto resource = static_cast<__rlimit_resource_t>(i);
        rlimit wanted = from.limits[i];
        rlimit now{};
        if (::getrlimit(resource, &now) != 0) continue;
        if (now.rlim_cur == wanted.rlim_cur && now.rlim_max == wanted.rlim_max) continue;
        if (::setrlimit(resource, &wanted) == 0) continue;
        wanted.rlim_max = std::min(wanted.rlim_max, now.rlim_max);
        wanted.rlim_cur = std::min(wanted.rlim_cur, wanted.rlim_max);
        ::setrlimit(resource, &wanted);
    }
}

void set_identity(const surroundings& from, const std::vector<gid_t>& supplementary) {
    const surroundings now = surroundings::current();
    if (now.users == from.users && now.groups == from.groups && supplementary_groups() == supplementary) return;
    // In this order: without its user's privileges it may not change its groups.
    if (::setgroups(supplementary.size(), supplementary.data()) != 0) throw_errno("setgroups");
    if (::setresgid(from.groups[0], from.groups[1], from.groups[2]) != 0) throw_errno("setresgid");
    if (::setresuid(from.users[0], from.users[1], from.users[2]) != 0) throw_errno("setresuid");
    // The kernel has cleared it.
    ::prctl(PR_SET_DUMPABLE, from.dumpable == 1 ? 1 : 0, 0, 0, 0);
}

}  // namespace

surroundings surroundings::current() {
    surroundings s;
    for (unsigned i = 0; i != s.limits.size(); ++i)
        ::getrlimit(static_cast<__rlimit_resource_t>(i), &s.limits[i]);
    ::getresuid(&s.users[0], &s.users[1], &s.users[2]);
    ::getresgid(&s.groups[0], &s.groups[1], &s.groups[2]);
    s.umask = current_umask();
    // Of the main thread: each thread has one of its own, and the one that starts a worker is the library's.
    s.niceness = ::getpriority(PRIO_PROCESS, static_cast<id_t>(::getpid()));
    s.dumpable = ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    s.no_new_privileges = ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    return s;
}

std::vector<gid_t> supplementary_groups() {
    std::vector<gid_t> groups(max_groups);
    const int n = ::getgroups(max_groups, groups.data());
    // EINVAL: there are more.
    if (n < 0) throw std::system_error(errno == EINVAL ? E2BIG : errno, std::generic_category(), "getgroups");
    groups.resize(static_cast<std::size_t>(n));
    return groups;
}

unique_fd open_working_directory() { return unique_fd{::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)}; }

void apply(const surroundings& from, const std::vector<gid_t>& supplementary, const unique_fd& directory) {
    if (directory && ::fchdir(directory.get()) != 0) throw_errno("fchdir to the working directory of the program");
    if (from.umask != surroundings::unknown_umask) ::umask(static_cast<mode_t>(from.umask));
    set_limits(from);
    if (::getpriority(PRIO_PROCESS, 0) != from.niceness) ::setpriority(PRIO_PROCESS, 0, from.niceness);
    set_identity(from, supplementary);
    if (from.no_new_privileges == 1) ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

}  // namespace cadre::detail::process_os
