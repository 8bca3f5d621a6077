/// @file
/// The threads that drive serial loops, and the loops they drive.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <cadre/detail/scheduler/event_source.hpp>
#include <cadre/detail/scheduler/run_loop.hpp>

namespace cadre::detail {

/// The process's set of run loops, drivers and poll sources. One driver at a time is the *poller*: it looks at the poll
/// sources and sleeps on the process's wake descriptor; other drivers sleep on descriptors of their own.
///
/// The loop that a driver was started for is left to it. A loop with a reactor stays with the driver that ran it first, for as long as that one drives: it sleeps in the reactor,
/// with the descriptor watched there.
class loop_driver_set {
public:
    [[nodiscard]] static loop_driver_set& instance();

    void add(run_loop& loop);
    void remove(run_loop& loop);
    void add(event_source& source);
    void remove(event_source& source);

    void drive(const std::function<bool()>& done, run_loop* own);
    /// Wakes all sleeping drivers.
    void wake() noexcept;

    [[nodiscard]] int poller_descriptor();
    void set_poller_descriptor(int descriptor);

private:
    struct driver;
    loop_driver_set() = default;

    bool run_loops(driver& self);
    bool run_loop_of(driver& self, run_loop& loop);
    void sleep_in_reactors(driver& self, int bell, const std::function<bool()>& done);
    bool event_sources();
    template <class F>
    void for_each_source(F f);
    [[nodiscard]] std::optional<steady_time> next_deadline();
    [[nodiscard]] bool anything_ready(const driver& self);
    [[nodiscard]] bool spin(driver& self, const std::function<bool()>& done);
    [[nodiscard]] bool spin_for_local_work(driver& self, const std::function<bool()>& done);
    void sleep(driver& self, const std::function<bool()>& done);
    [[nodiscard]] bool try_become_poller(driver& self);

    std::mutex loops_mutex_;
    std::vector<run_loop*> loops_;
    std::mutex sources_mutex_;  // held while a source is polled; sources never add or remove sources then
    std::vector<event_source*> sources_;
    std::atomic<unsigned> source_count_{0};

    std::mutex drivers_mutex_;
    std::vector<driver*> active_;
    driver* poller_ = nullptr;
    std::atomic<unsigned> sleeping_{0};
    std::atomic<int> poller_descriptor_{-1};
};

}  // namespace cadre::detail
