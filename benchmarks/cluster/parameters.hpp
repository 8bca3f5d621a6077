/// @file
/// Requests through a RabbitMQ broker to another process, and their answers: the additional cost of the link of kind
/// `cluster` over rabbitmq-c alone.
#pragma once

#include "measure.hpp"

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cluster {

inline constexpr std::size_t small = 64;
inline constexpr std::size_t large = std::size_t{64} << 20;
inline constexpr int in_flight = 256;
inline const int hot_calls = bench::scaled(4000, 50);
inline const int calls = bench::scaled(100'000, 500);
inline const int large_calls = bench::scaled(12, 1);

/// The broker; empty: there is none, and nothing to measure.
inline std::string broker_url() {
    const char* const url = std::getenv("CADRE_CLUSTER_URL");
    if (url == nullptr) std::fprintf(stderr, "no broker: CADRE_CLUSTER_URL is not set; ./run broker starts one\n");
    return url == nullptr ? "" : url;
}

/// Another process, which answers until this one ends.
class answering_process {
public:
    explicit answering_process(const std::function<void()>& run) : pid_(::fork()) {
        if (pid_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        run();
        ::_exit(0);
    }
    answering_process(const answering_process&) = delete;
    ~answering_process() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

private:
    pid_t pid_;
};

/// @param call  one request and its answer
template <class Call>
void measure_round_trips(Call call) {
    for (int i = 0; i < hot_calls / 10; ++i)
        call();
    std::vector<double> samples;
    for (int i = 0; i < hot_calls; ++i) {
        const auto begin = bench::clock::now();
        call();
        samples.push_back(bench::seconds_since(begin) * 1e6);
    }
    bench::report("round trip, 64 B", bench::quantile(samples, 0.5), "us");
}

/// @param run  makes so many requests with `in_flight` of them under way
template <class Run>
void measure_rate(Run run) {
    run(calls / 10);
    const auto begin = bench::clock::now();
    run(calls);
    bench::report("256 in flight, 64 B", calls / bench::seconds_since(begin), "calls/s");
}

template <class Call>
void measure_large(Call call) {
    call();
    const auto begin = bench::clock::now();
    for (int i = 0; i < large_calls; ++i)
        call();
    bench::report("requests of 64 MiB", large_calls * static_cast<double>(large) / 1e6 / bench::seconds_since(begin),
                  "MB/s");
}

/// The CPU time of this process while nothing is to be done.
inline void measure_idle() {
    const auto seconds = std::chrono::seconds(bench::scaled(5, 1));
    std::this_thread::sleep_for(seconds / 2);
    const double before = bench::cpu_seconds();
    std::this_thread::sleep_for(seconds);
    bench::report("idle", (bench::cpu_seconds() - before) * 100 / static_cast<double>(seconds.count()), "% of a core");
}

}  // namespace cluster
