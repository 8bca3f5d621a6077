#include "process/parent/supervisor.hpp"

#include "base/doorbell.hpp"
#include "base/signals_blocked.hpp"
#include "process/os/syscalls.hpp"
#include "process/parent/output_writer.hpp"
#include "process/parent/supervisor_election.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include <sys/epoll.h>
#include <unistd.h>

namespace cadre::detail::process_parent {

namespace {

constexpr std::chrono::milliseconds output_interval{5};
// How long the end of an executor waits for a reader of the program's output that takes nothing.
constexpr std::chrono::milliseconds output_limit{2000};
// A worker can read the supervisor's eventfd, which consumes a notification.
constexpr std::chrono::milliseconds max_sleep{1000};
// Between attempts to watch a worker; until then its death is not noticed.
constexpr std::chrono::milliseconds unwatched_interval{50};
// The sleep between rounds if the program has closed the supervisor's descriptors.
constexpr std::chrono::milliseconds sleep_without_descriptor{10};

class watch {
public:
    explicit watch(std::shared_ptr<pool> p)
        : pool_(std::move(p)), election_(pool_->supervisor_bell()), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        if (!epoll_ || !add(pool_->supervisor_bell(), {kind::bell, 0}))
            process_os::throw_errno("epoll of the supervisor");
    }

    void run() noexcept {
        while (!pool_->finished()) {
            watch_new_workers();
            resume_outputs();
            time_point next = std::min(pool_->tick(), pool_->next_start());
            if (!paused_.empty()) next = std::min(next, std::chrono::steady_clock::now() + output_interval);
            if (!unwatched_.empty()) next = std::min(next, std::chrono::steady_clock::now() + unwatched_interval);
            wait(next);
            if (std::chrono::steady_clock::now() >= pool_->next_start()) pool_->replace();
        }
        output_writer::instance().drain(output_limit);
    }

private:
    enum class kind : std::uint32_t { bell, plane, pidfd, output };
    struct key {
        kind what;
        std::uint64_t serial;
        [[nodiscard]] std::uint64_t packed() const noexcept { return serial << 2 | static_cast<std::uint64_t>(what); }
    };

    // @return whether it is watched; else the system has no memory for that, or `fs.epoll.max_user_watches` is reached
    bool add(int fd, key k) noexcept {
        epoll_event e{};
        e.events = EPOLLIN;
        e.data.u64 = k.packed();
        return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &e) == 0 || errno == EEXIST;
    }
    [[nodiscard]] bool add(const pool::watched& w) noexcept {
        return add(w.pidfd, {kind::pidfd, w.serial}) && (w.output < 0 || add(w.output, {kind::output, w.serial}));
    }

    // Watches new workers.
    void watch_new_workers() {
        if (!watches_plane_ && election_.is_leader()) watches_plane_ = add(election_.descriptor(), {kind::plane, 0});
        const auto all = pool_->watched_workers();
        const std::vector<std::uint64_t> again = std::exchange(unwatched_, {});
        for (const pool::watched& w : all)
            if ((w.serial > newest_ || std::ranges::find(again, w.serial) != again.end()) && !add(w))
                unwatched_.push_back(w.serial);
        for (const pool::watched& w : all)
            newest_ = std::max(newest_, w.serial);
    }

    [[nodiscard]] static int milliseconds_to(time_point when) noexcept {
        if (when == time_point::max()) return static_cast<int>(max_sleep.count());
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - std::chrono::steady_clock::now());
        return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, max_sleep.count()));
    }

    void wait(time_point next) noexcept {
        std::array<epoll_event, 16> events;
        const int limit = election_.before_sleep() ? 0 : milliseconds_to(next);
        const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), limit);
        if (n < 0 && errno != EINTR) std::this_thread::sleep_for(sleep_without_descriptor);
        election_.after_sleep();
        for (int i = 0; i < n; ++i) {
            const std::uint64_t serial = events[static_cast<std::size_t>(i)].data.u64 >> 2;
            switch (static_cast<kind>(events[static_cast<std::size_t>(i)].data.u64 & 3)) {
                case kind::bell: doorbell::clear(pool_->supervisor_bell()); break;
                case kind::plane: doorbell::clear(election_.descriptor()); break;
                case kind::pidfd:
                    unwatch(serial);
                    pool_->worker_ended(serial);
                    break;
                case kind::output: read_output(serial); break;
            }
        }
    }

    // A pipe at its end stays readable, and so does one that must not be read now.
    void read_output(std::uint64_t serial) noexcept {
        const auto r = pool_->read_output(serial);
        if (r == output_reader::result::more) return;
        unwatch_output(serial);
        if (r == output_reader::result::paused) paused_.push_back(serial);
    }
    void resume_outputs() {
        if (paused_.empty() || output_writer::instance().full()) return;
        const std::vector<std::uint64_t> resumed = std::exchange(paused_, {});
        for (const pool::watched& w : pool_->watched_workers())
            if (std::ranges::find(resumed, w.serial) != resumed.end() && !add(w.output, {kind::output, w.serial}))
                unwatched_.push_back(w.serial);
    }

    // To close the descriptors is not enough: a process that the program has forked keeps them open.
    void unwatch(std::uint64_t serial) noexcept {
        unwatch_output(serial);
        for (const pool::watched& w : pool_->watched_workers())
            if (w.serial == serial) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, w.pidfd, nullptr);
    }
    void unwatch_output(std::uint64_t serial) noexcept {
        for (const pool::watched& w : pool_->watched_workers())
            if (w.serial == serial && w.output >= 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, w.output, nullptr);
    }

    std::shared_ptr<pool> pool_;
    supervisor_election election_;
    process_os::unique_fd epoll_;
    std::uint64_t newest_ = 0;
    std::vector<std::uint64_t> paused_;  // workers whose output stays in their pipes
    std::vector<std::uint64_t> unwatched_;  // workers that could not be watched: tried again
    bool watches_plane_ = false;
};

}  // namespace

supervisor::supervisor(std::shared_ptr<pool> p) {
    const signals_blocked blocked;
    auto w = std::make_unique<watch>(std::move(p));
    try {
        thread_ = std::thread([w = std::move(w)]() mutable {
            w->run();
            w.reset();
        });
    } catch (const std::system_error& e) {
        throw std::system_error(e.code(), "starting the supervisor thread");
    }
}

supervisor::~supervisor() {
    if (thread_.get_id() == std::this_thread::get_id())
        thread_.detach();
    else
        thread_.join();
}

}  // namespace cadre::detail::process_parent
