#include "trouble.hpp"

#include "failing_calls.hpp"
#include "processes.hpp"

#include <iostream>
#include <random>

#include <signal.h>

namespace cadre::soak {

void trouble::run(const std::stop_token& stop) {
    const no_failing_calls here;
    std::mt19937 random(settings_.seed);
    const auto one_in = [&](unsigned n) { return random() % n == 0; };
    auto next = std::chrono::steady_clock::now();
    while (!stop.stop_requested()) {
        next += settings_.period;
        std::this_thread::sleep_until(next);
        // A young worker is as good as an old one.
        const auto all = other_processes();
        if (all.empty()) continue;
        const process& victim = all[random() % all.size()];
        if (victim.worker) {
            const bool stops = one_in(10);
            if (::kill(victim.pid, stops ? SIGSTOP : SIGKILL) == 0) ++(stops ? stopped_ : killed_);
        } else if (one_in(20)) {
            const bool stops = one_in(3);
            if (::kill(victim.pid, stops ? SIGSTOP : SIGKILL) == 0) ++(stops ? servers_stopped_ : servers_killed_);
        }
    }
}

void trouble::print() const {
    std::cout << "  " << killed_ << " workers killed, " << stopped_ << " stopped; " << servers_killed_
              << " fork servers killed, " << servers_stopped_ << " stopped" << std::endl;
}

}  // namespace cadre::soak
