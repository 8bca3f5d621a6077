/// @file
/// Calls to a worker that may sleep: how much waking costs. Between two calls the caller computes, or sleeps; then with
/// other programs that compute.
#pragma once

#include "report.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace wake {

inline constexpr std::array computing_us{0, 5, 20, 50, 200};
inline constexpr unsigned calls = 3'000;
inline constexpr unsigned calls_after_sleep = 300;
inline constexpr std::chrono::milliseconds pause{3};

inline std::uint64_t square(std::uint64_t x) { return x * x; }

inline void compute(std::chrono::microseconds time) {
    for (const auto end = bench::clock::now() + time; bench::clock::now() < end;)
        ;
}

/// Processes that compute as long as this object lives.
class busy_neighbours {
public:
    explicit busy_neighbours(unsigned count) {
        const pid_t parent = ::getpid();
        for (unsigned i = 0; i != count; ++i) {
            const pid_t child = ::fork();
            if (child == 0) {
                ::prctl(PR_SET_PDEATHSIG, SIGKILL);
                while (::getppid() == parent)
                    compute(std::chrono::milliseconds(10));
                ::_exit(0);
            }
            all_.push_back(child);
        }
    }
    busy_neighbours(const busy_neighbours&) = delete;
    busy_neighbours& operator=(const busy_neighbours&) = delete;
    ~busy_neighbours() {
        for (const pid_t child : all_) {
            ::kill(child, SIGKILL);
            ::waitpid(child, nullptr, 0);
        }
    }

private:
    std::vector<pid_t> all_;
};

/// How often all threads of a process have slept so far.
inline long sleeps_of(pid_t process) {
    long all = 0;
    for (int tid = process, misses = 0; misses < 16; ++tid) {
        std::ifstream status("/proc/" + std::to_string(process) + "/task/" + std::to_string(tid) + "/status");
        if (!status) {
            ++misses;
            continue;
        }
        for (std::string word; status >> word;)
            if (word == "voluntary_ctxt_switches:") {
                long n = 0;
                status >> n;
                all += n;
            }
    }
    return all;
}

inline void report(const std::string& name, std::vector<double>& samples) {
    bench::report(name + ", p50", bench::quantile(samples, 0.5), "us");
    bench::report(name + ", p99", bench::quantile(samples, 0.99), "us");
}

}  // namespace wake
