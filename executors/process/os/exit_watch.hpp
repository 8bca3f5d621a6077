/// @file
/// The events for which a launcher waits: reports of the fork server, ends of workers, and reports that can be taken.
#pragma once

#include "base/doorbell.hpp"
#include "process/os/syscalls.hpp"
#include "process/os/unique_fd.hpp"

#include <span>

#include <sys/epoll.h>

namespace cadre::detail::process_os {

/// One epoll descriptor for all of them. Not thread-safe.
class exit_watch {
public:
    /// @throws std::system_error
    exit_watch() {
        if (!epoll_ || !watch(ready_.descriptor())) throw_errno("epoll of a launcher");
    }

    [[nodiscard]] int descriptor() const noexcept { return epoll_.get(); }

    /// Without memory for it, or at the limit fs.epoll.max_user_watches, `fd` is not watched and `complete` is false
    /// from then on. @return whether it is watched
    bool watch(int fd) noexcept {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        const bool watched = ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
        complete_ = complete_ && watched;
        return watched;
    }
    /// close() would not suffice if there are copies of `fd`: epoll watches until the last one closes.
    void unwatch(int fd) const noexcept { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }
    [[nodiscard]] bool complete() const noexcept { return complete_; }

    /// The events that are pending now. @return how many there are, or a negative number
    [[nodiscard]] int poll(std::span<epoll_event> events) const noexcept {
        return ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    }

    /// Reports wait to be taken: the descriptor stays readable until `clear_ready`.
    void set_ready() const noexcept { ready_.ring(); }
    void clear_ready() const noexcept { ready_.clear(); }
    [[nodiscard]] bool is_ready_mark(int fd) const noexcept { return fd == ready_.descriptor(); }

private:
    unique_fd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
    doorbell ready_;
    bool complete_ = true;
};

}  // namespace cadre::detail::process_os
