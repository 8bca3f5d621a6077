// How a driver of serial loops spins before it sleeps.

#include "loop_driver.hpp"
#include "loop_driver_set.hpp"

#include <algorithm>
#include <chrono>
#include <functional>

#include <cadre/detail/base/compiler.hpp>

namespace cadre::detail {

namespace {

// About the round trip of an answer; beyond it sleeping is cheaper.
constexpr std::chrono::microseconds spin_time{5};

}  // namespace

// Polls for a moment if a source expects an event soon; for as long as a wake-up takes, if events have lately come so
// soon after the thread went to sleep. Without the latter two processes that have both fallen asleep would wake each
// other for every call. @return whether there is work
bool loop_driver_set::spin(driver& self, const std::function<bool()>& done) {
    bool expected = false;
    bool allowed = false;
    sources_.for_each([&](const event_source& s) {
        if (s.expects_soon())
            expected = allowed = true;
        else if (!allowed)
            allowed = s.may_spin();
    });
    const auto longer = allowed ? self.remote_answers.budget() : std::chrono::nanoseconds(0);
    if (!expected && longer.count() == 0) return false;
    const auto until = std::chrono::steady_clock::now() + std::max<std::chrono::nanoseconds>(longer, spin_time);
    do {
        for (int i = 0; i < 16; ++i) {
            if (poll_sources()) {
                self.remote_answers.record_spin(true);
                return true;
            }
            cpu_relax();
        }
        if (drives_only_own(self) ? self.own->ready() : anything_ready(self)) return true;
        if (done()) return true;
    } while (std::chrono::steady_clock::now() < until);
    if (longer.count() != 0) self.remote_answers.record_spin(false);
    return false;
}

// Spins while a thread of this process is likely to answer soon. @return whether there is something to do
bool loop_driver_set::spin_for_local_work(driver& self, const std::function<bool()>& done) {
    const auto budget = self.local_answers.budget();
    if (!self.holds_own || budget.count() == 0) return false;
    const auto until = std::chrono::steady_clock::now() + budget;
    do {
        for (int i = 0; i < 16; ++i) {
            if (self.own->ready()) {
                self.local_answers.record_spin(true);
                return true;
            }
            cpu_relax();
        }
        if (done()) return true;
    } while (std::chrono::steady_clock::now() < until);
    self.local_answers.record_spin(false);
    return false;
}

}  // namespace cadre::detail
