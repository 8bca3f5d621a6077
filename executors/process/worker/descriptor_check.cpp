#include "process/worker/descriptor_check.hpp"

#include "process/os/process_setup.hpp"

#include <string_view>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cadre::detail::process_worker {

void end_without_descriptors() noexcept {
    constexpr std::string_view text =
        "cadre: a task closed file descriptors that its worker needs; the worker exits with status 126\n";
    [[maybe_unused]] const auto n = ::write(STDERR_FILENO, text.data(), text.size());
    ::_exit(lost_descriptors);
}

descriptor_check::descriptor_check(const process_os::worker_boot& boot) : lifeline_(process_os::lifeline_descriptor()) {
    std::vector<int> descriptors{lifeline_};
    for (const process_os::unique_fd& fd : boot.fds)
        descriptors.push_back(fd.get());
    for (const int fd : descriptors) {
        struct stat s{};
        if (::fstat(fd, &s) == 0) all_.push_back({fd, s.st_dev, s.st_ino});
    }
}

void descriptor_check::run() const noexcept {
    for (const known& k : all_) {
        struct stat now{};
        if (::fstat(k.descriptor, &now) != 0 || now.st_dev != k.device || now.st_ino != k.inode)
            end_without_descriptors();
    }
    // The kernel has sent SIGKILL when the program ended, unless a task has changed the owner of the descriptor.
    pollfd p{lifeline_, 0, 0};
    if (::poll(&p, 1, 0) == 1 && (p.revents & POLLHUP) != 0) ::_exit(lost_descriptors);
}

}  // namespace cadre::detail::process_worker
