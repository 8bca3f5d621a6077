/// @file
/// A thread that drives serial loops.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "adaptive_spin.hpp"
#include "loop_driver_set.hpp"
#include "reactor_watch.hpp"

namespace cadre::detail {

struct loop_driver_set::driver {
    std::atomic<int> asleep_on{-1};  // the descriptor to write, -1 while awake
    bool poller = false;
    run_loop* own = nullptr;
    bool holds_own = false;  // until the driver returns
    const std::thread::id thread = std::this_thread::get_id();
    std::vector<run_loop*> turn;  // loops of the present turn, pinned
    std::vector<run_loop*> kept;  // loops with a reactor, pinned and held
    reactor_watch others;  // sleeps in all reactors but the first
    // Spins for work that other threads of this process submit to `own`, and for events of other processes.
    adaptive_spin local_answers{std::chrono::microseconds(15), std::chrono::microseconds(60)};
    adaptive_spin remote_answers{std::chrono::microseconds(30), std::chrono::microseconds(100)};

    // For loops with a control.
    bool paced = false;  // virtual clocks follow real time, because of work elsewhere
    std::string deadlock{};  // the report

    ~driver();
    void give_back(run_loop& loop) {
        loop.events()->watch(-1);
        if (&loop != own) release(loop);
        loop.unpin();
    }
    static void release(run_loop& loop) {
        if (loop.release()) wake_loop_drivers();
    }
    [[nodiscard]] bool holds(const run_loop& loop) const { return (own == &loop && holds_own) || keeps(loop); }
    [[nodiscard]] bool keeps(const run_loop& loop) const { return std::ranges::find(kept, &loop) != kept.end(); }
};

}  // namespace cadre::detail
