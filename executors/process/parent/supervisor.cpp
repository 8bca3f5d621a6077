#include "process/parent/supervisor.hpp"

#include "base/doorbell.hpp"
#include "process/os/syscalls.hpp"
#include "process/parent/supervisor_election.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include <sys/epoll.h>
#include <unistd.h>

namespace cadre::detail::process_parent {

namespace {

class watch {
public:
    explicit watch(std::shared_ptr<pool> p)
        : pool_(std::move(p)), election_(pool_->supervisor_bell()), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        if (!epoll_) process_os::throw_errno("epoll_create1");
        add(pool_->supervisor_bell(), {kind::bell, 0});
    }

    void run() noexcept {
        time_point next_start = time_point::max();
        while (!pool_->finished()) {
            watch_new_workers();
            const time_point next = pool_->tick();
            const bool ended = wait(std::min(next, next_start));
            if (ended || std::chrono::steady_clock::now() >= next_start) next_start = pool_->replace();
        }
    }

private:
    enum class kind : std::uint32_t { bell, plane, pidfd, output };
    struct key {
        kind what;
        std::uint64_t serial;
        [[nodiscard]] std::uint64_t packed() const noexcept { return serial << 2 | static_cast<std::uint64_t>(what); }
    };

    void add(int fd, key k) noexcept {
        epoll_event e{};
        e.events = EPOLLIN;
        e.data.u64 = k.packed();
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &e);
    }

    // Watches new workers. Removed ones have closed their descriptors.
    void watch_new_workers() {
        if (!watches_plane_ && election_.is_leader()) {
            add(election_.descriptor(), {kind::plane, 0});
            watches_plane_ = true;
        }
        const auto all = pool_->watched_workers();
        for (const pool::watched& w : all) {
            if (w.serial <= newest_) continue;
            add(w.pidfd, {kind::pidfd, w.serial});
            if (w.output >= 0) add(w.output, {kind::output, w.serial});
        }
        for (const pool::watched& w : all)
            newest_ = std::max(newest_, w.serial);
    }

    [[nodiscard]] static int milliseconds_to(time_point when) noexcept {
        if (when == time_point::max()) return -1;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - std::chrono::steady_clock::now());
        return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
    }

    // @return whether a worker has ended
    bool wait(time_point next) noexcept {
        std::array<epoll_event, 16> events;
        const int limit = election_.before_sleep() ? 0 : milliseconds_to(next);
        const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), limit);
        election_.after_sleep();
        bool ended = false;
        for (int i = 0; i < n; ++i) {
            const std::uint64_t serial = events[static_cast<std::size_t>(i)].data.u64 >> 2;
            switch (static_cast<kind>(events[static_cast<std::size_t>(i)].data.u64 & 3)) {
                case kind::bell: doorbell::clear(pool_->supervisor_bell()); break;
                case kind::plane: doorbell::clear(election_.descriptor()); break;
                case kind::pidfd:
                    pool_->worker_ended(serial);
                    ended = true;
                    break;
                case kind::output:
                    if (!pool_->read_output(serial)) unwatch_output(serial);
                    break;
            }
        }
        return ended;
    }

    // A pipe at its end stays readable.
    void unwatch_output(std::uint64_t serial) noexcept {
        for (const pool::watched& w : pool_->watched_workers())
            if (w.serial == serial && w.output >= 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, w.output, nullptr);
    }

    std::shared_ptr<pool> pool_;
    supervisor_election election_;
    process_os::unique_fd epoll_;
    std::uint64_t newest_ = 0;
    bool watches_plane_ = false;
};

}  // namespace

supervisor::supervisor(std::shared_ptr<pool> p) {
    // The application's signal handlers must not run on this thread.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    auto w = std::make_unique<watch>(std::move(p));
    thread_ = std::thread([w = std::move(w)]() mutable {
        w->run();
        w.reset();
    });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

supervisor::~supervisor() {
    if (thread_.get_id() == std::this_thread::get_id())
        thread_.detach();
    else
        thread_.join();
}

}  // namespace cadre::detail::process_parent
