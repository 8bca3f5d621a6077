/// @file
/// Kills and stops the processes of this program at random.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <thread>

namespace cadre::soak {

class trouble {
public:
    struct settings {
        std::uint32_t seed;
        std::chrono::milliseconds period;  ///< between two blows
    };
    explicit trouble(settings s) : settings_(s), thread_([this](std::stop_token stop) { run(stop); }) {}

    void stop() {
        thread_.request_stop();
        thread_.join();
    }
    /// After `stop`.
    void print() const;

private:
    void run(const std::stop_token& stop);

    settings settings_;
    std::uint64_t killed_ = 0;
    std::uint64_t stopped_ = 0;
    std::uint64_t servers_killed_ = 0;
    std::uint64_t servers_stopped_ = 0;
    std::jthread thread_;
};

}  // namespace cadre::soak
