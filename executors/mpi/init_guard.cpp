#include "mpi/init_guard.hpp"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>

namespace cadre::detail::mpi {
namespace {

// Calls `visit` for each open descriptor of this process.
template <class Visit>
void for_each_descriptor(Visit visit) {
    DIR* const folder = ::opendir("/proc/self/fd");
    if (folder == nullptr) return;
    while (const dirent* entry = ::readdir(folder)) {
        const std::string_view name = entry->d_name;
        int fd = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), fd).ec == std::errc() && fd != ::dirfd(folder))
            visit(static_cast<std::size_t>(fd));
    }
    ::closedir(folder);
}

void close_on_exec(int fd) noexcept {
    if (const int flags = ::fcntl(fd, F_GETFD); flags >= 0 && (flags & FD_CLOEXEC) == 0)
        static_cast<void>(::fcntl(fd, F_SETFD, flags | FD_CLOEXEC));
}

}  // namespace

init_guard::init_guard() : handlers_{} {
    for (int signal = 1; signal <= SIGRTMAX; ++signal)
        static_cast<void>(::sigaction(signal, nullptr, &handlers_[static_cast<std::size_t>(signal)]));
    for_each_descriptor([this](std::size_t fd) {
        if (fd >= open_.size()) open_.resize(fd + 1);
        open_[fd] = true;
    });
}

void init_guard::restore() noexcept {
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        struct sigaction now{};
        const struct sigaction& before = handlers_[static_cast<std::size_t>(signal)];
        if (::sigaction(signal, nullptr, &now) == 0 && now.sa_sigaction != before.sa_sigaction)
            static_cast<void>(::sigaction(signal, &before, nullptr));
    }
    for_each_descriptor([this](std::size_t fd) {
        if (fd > 2 && (fd >= open_.size() || !open_[fd])) close_on_exec(static_cast<int>(fd));
    });
    // The launcher's own connections, which the process inherited.
    for (const char* variable : {"PMI_FD", "HYDI_CONTROL_FD"}) {
        if (const char* const text = std::getenv(variable)) {
            int fd = 0;
            if (std::from_chars(text, text + std::strlen(text), fd).ec == std::errc() && fd > 2) close_on_exec(fd);
        }
    }
}

}  // namespace cadre::detail::mpi
