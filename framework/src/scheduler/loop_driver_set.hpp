/// @file
/// The threads that drive serial loops, and the loops they drive.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/process_owner.hpp"
#include "event_source_set.hpp"

#include <cadre/detail/scheduler/event_source.hpp>
#include <cadre/detail/scheduler/run_loop.hpp>

namespace cadre::detail {

class virtual_timers;
struct clock_snapshot;

/// The run loops, drivers and event sources of this process. One driver at a time is the *poller*: it polls the event
/// sources and sleeps on the wake descriptor of the process; other drivers sleep on descriptors of their own.
///
/// A loop that a driver has reserved is left to it, for as long as it drives. A loop with a reactor stays with the
/// driver that ran it first, until that driver returns: it sleeps in the reactor, which watches its descriptor.
///
///     word                changed by                                         to             order
///     driver::asleep_on   its driver, before its last poll                   a descriptor   store, seq_cst
///                         `wake`: the waker writes the descriptor            -1             exchange, acq_rel
///                         its driver, when it is awake                       -1             store, relaxed
///     sleeping_           a driver, after its `asleep_on`                    + 1            fetch_add, seq_cst
///                         a driver that is awake                             - 1            fetch_sub, relaxed
///     poller_descriptor_  `poller_descriptor`, `set_…`, under the mutex      a descriptor   store, seq_cst
class loop_driver_set {
public:
    [[nodiscard]] static loop_driver_set& instance();

    void add(run_loop& loop);
    void remove(run_loop& loop);
    void add(event_source& source);
    void remove(event_source& source) { sources_.remove(source); }

    /// @return the report if a deadlock was found; otherwise empty
    std::string drive(const std::function<bool()>& done, run_loop* own);
    /// Wakes all sleeping drivers.
    void wake() noexcept;

    [[nodiscard]] int poller_descriptor();
    void set_poller_descriptor(int descriptor);
    /// Calls `f` when a driver finds its wake descriptor closed, by code that closes descriptors it does not know.
    void on_lost_descriptor(void (*f)() noexcept) noexcept { lost_descriptor_.store(f, std::memory_order_release); }

private:
    struct driver;
    loop_driver_set() = default;

    [[nodiscard]] bool hold_own_loop(driver& self);
    bool run_own_loop(driver& self, const std::function<bool()>& done);
    bool run_loops(driver& self);
    bool run_loop_of(driver& self, run_loop& loop);
    void sleep_in_reactors(driver& self, int bell, std::optional<steady_time> end, const std::function<bool()>& done);
    bool poll_sources();
    [[nodiscard]] std::optional<steady_time> next_deadline();
    [[nodiscard]] std::optional<steady_time> end_of_sleep(const driver& self, int descriptor);
    void wait_for_ring(int descriptor, std::optional<steady_time> end) noexcept;
    [[nodiscard]] bool drives_only_own(const driver& self) const noexcept;
    [[nodiscard]] static bool may_have_work(const driver& self, const run_loop& loop);
    [[nodiscard]] bool anything_ready(const driver& self);
    [[nodiscard]] bool spin(driver& self, const std::function<bool()>& done);
    [[nodiscard]] bool spin_for_local_work(driver& self, const std::function<bool()>& done);
    void sleep(driver& self, const std::function<bool()>& done);
    [[nodiscard]] bool try_become_poller(driver& self);

    // Of loops with a control: loop_driver_clocks.cpp.
    [[nodiscard]] bool advance(driver& self);
    [[nodiscard]] static bool held_elsewhere(const driver& self, const run_loop& loop);
    // Under `loops_mutex_`.
    [[nodiscard]] virtual_timers* look_at_loops(const driver& self, std::optional<steady_time> real, bool others_awake,
                                                clock_snapshot& seen);
    [[nodiscard]] bool move_clocks(const driver& self);
    [[nodiscard]] bool end_deadlock(driver& self);

    std::mutex loops_mutex_;  // under it: `pin` and the hints of loops; items run without it
    std::vector<run_loop*> loops_;
    std::atomic<std::size_t> loop_count_{0};  // size of `loops_`; written under the mutex, read without it as a hint
    std::atomic<unsigned> controlled_{0};  // loops with a control; counted under the mutex, read relaxed by drivers
    event_source_set sources_;  // visited by the poller

    std::mutex drivers_mutex_;  // under it: wake-ups by descriptor, which run nothing
    std::vector<driver*> active_;
    driver* poller_ = nullptr;
    alignas(64) std::atomic<unsigned> sleeping_{0};  // read after each submission
    std::atomic<int> poller_descriptor_{-1};
    process_owner poller_descriptor_owner_{};
    std::atomic<void (*)() noexcept> lost_descriptor_{nullptr};
};

}  // namespace cadre::detail
