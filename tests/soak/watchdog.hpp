/// @file
/// Ends the program if it hangs, after it has printed what it waits for.
#pragma once

#include "ledger.hpp"

#include <atomic>
#include <chrono>
#include <thread>

namespace cadre::soak {

class watchdog {
public:
    explicit watchdog(const ledger& book) : book_(book), thread_([this](std::stop_token stop) { watch(stop); }) {}

    /// The program begins something else, which has to end within a minute; calls have half of one each.
    void enter(const char* phase) {
        phase_ = phase;
        entered_ = std::chrono::steady_clock::now().time_since_epoch();
    }

private:
    void watch(const std::stop_token& stop);

    const ledger& book_;
    std::atomic<const char*> phase_{"the start"};
    std::atomic<std::chrono::steady_clock::duration> entered_{std::chrono::steady_clock::now().time_since_epoch()};
    std::jthread thread_;
};

}  // namespace cadre::soak
