/// @file
/// The cost of calls on an executor of several hosts: shared by the problems `mpi` and `cluster`.
#pragma once

#include "measure.hpp"

#include <cadre/cadre.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <ranges>
#include <string>
#include <vector>

#include <sys/types.h>

namespace hosts_bench {

inline constexpr std::size_t large = std::size_t{64} << 20;
inline constexpr unsigned in_flight = 256;
inline const unsigned round_trips = bench::scaled(20'000u, 200u);
inline const unsigned calls = bench::scaled(100'000u, 1'000u);
inline const unsigned items = bench::scaled(10'000'000u, 10'000u);
inline const unsigned large_bodies = bench::scaled(8u, 1u);
inline const auto rest = bench::scaled(std::chrono::milliseconds(5'000), std::chrono::milliseconds(500));
/// After this a process counts as idle.
inline const auto settling = bench::scaled(std::chrono::milliseconds(1'500), std::chrono::milliseconds(100));

inline std::uint64_t square(std::uint64_t x) { return x * x; }
inline std::size_t size_of(const std::vector<std::uint8_t>& bytes) { return bytes.size(); }

/// The CPU time of all threads of a process, as the scheduler counts it: ticks of 10 ms would hide what idle ones use.
inline double cpu_seconds_of(pid_t process) {
    double seconds = 0;
    std::error_code gone;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task", gone)) {
        double nanoseconds = 0;
        std::ifstream(thread.path() / "schedstat") >> nanoseconds;
        seconds += nanoseconds * 1e-9;
    }
    return seconds;
}

/// One call after the other, until none is left to begin.
inline cadre::task<void> call_again_and_again(cadre::executor ex, unsigned& left) {
    while (left > 0) {
        --left;
        (void)co_await cadre::on(ex, square, std::uint64_t{left});
    }
}

/// @param name_of    the name of a case, as the problem's other contenders give it
/// @param processes  those whose idle cost is reported, with what they are
inline cadre::task<int> measure(cadre::executor ex, std::function<std::string(const char*)> name_of,
                                std::vector<std::pair<std::string, pid_t>> processes) {
    std::vector<double> samples;
    for (std::uint64_t i = 0; i != round_trips + round_trips / 10; ++i) {
        const auto begin = bench::clock::now();
        const std::uint64_t answer = co_await cadre::on(ex, square, i);
        if (i >= round_trips / 10) samples.push_back(bench::seconds_since(begin) * 1e6);
        bench::require(answer == i * i, "round trip");
    }
    bench::report(name_of("hot round trip"), bench::quantile(samples, 0.5), "us");

    unsigned left = calls;
    std::vector<cadre::task<void>> chains;
    for (unsigned i = 0; i != in_flight; ++i)
        chains.push_back(call_again_and_again(ex, left));
    auto begin = bench::clock::now();
    co_await cadre::when_all(std::move(chains));
    bench::report(name_of("single calls, 256 in flight"), calls / bench::seconds_since(begin), "1/s");

    const auto all = std::views::iota(std::uint64_t{0}, std::uint64_t{items});
    begin = bench::clock::now();
    const auto squares = co_await cadre::map(ex, square, all);
    bench::report(name_of("map of small items"), items / bench::seconds_since(begin) / 1e6, "M items/s");
    bench::require(squares.size() == items && squares.back() == std::uint64_t{items - 1} * (items - 1), "map");

    // Moved into the calls, and the first one is not measured: the bare engines send what they have, to memory that has
    // its pages.
    std::vector<std::vector<std::uint8_t>> bodies(large_bodies + 1, std::vector<std::uint8_t>(large, 1));
    for (auto& body : bodies) {
        if (&body == &bodies[1]) begin = bench::clock::now();
        const std::size_t size = co_await cadre::on(ex, size_of, std::move(body));
        bench::require(size == large, "64 MiB");
    }
    bench::report(name_of("64 MiB bodies"), large / 1e6 * large_bodies / bench::seconds_since(begin), "MB/s");

    co_await cadre::sleep_for(settling);
    std::vector<double> before;
    for (const auto& [what, process] : processes)
        before.push_back(cpu_seconds_of(process));
    begin = bench::clock::now();
    co_await cadre::sleep_for(rest);
    const double took = bench::seconds_since(begin);
    for (std::size_t i = 0; i != processes.size(); ++i)
        bench::report(name_of(("idle " + processes[i].first).c_str()),
                      (cpu_seconds_of(processes[i].second) - before[i]) / took * 100, "% of a core");
    co_return 0;
}

}  // namespace hosts_bench
