/// @file
/// The output of every contender: one line per figure, which benchmarks/run reads.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <sys/resource.h>

namespace bench {

using clock = std::chrono::steady_clock;

[[nodiscard]] inline double seconds_since(clock::time_point begin) {
    return std::chrono::duration<double>(clock::now() - begin).count();
}

/// The CPU time that this process has used.
[[nodiscard]] inline double cpu_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// One figure: `case<TAB>value<TAB>unit`. The runner knows from the unit whether more is better: it is for rates
/// ("…/s").
inline void report(std::string_view name, double value, std::string_view unit) {
    std::printf("%.*s\t%.6g\t%.*s\n", static_cast<int>(name.size()), name.data(), value, static_cast<int>(unit.size()),
                unit.data());
    std::fflush(stdout);
}

/// At the end: the peak memory of the largest of this process and those that it waited for. Measured inside, because
/// the kernel's figure for a program includes the process that started it.
struct memory_report {
    ~memory_report() {
        long largest = 0;
        std::ifstream status("/proc/self/status");
        for (std::string word; status >> word;)
            if (word == "VmHWM:") status >> largest;
        rusage children{};
        ::getrusage(RUSAGE_CHILDREN, &children);
        report("peak memory", static_cast<double>(std::max(largest, children.ru_maxrss)), "kB");
    }
};
inline const memory_report report_memory_at_the_end{};

/// The value below which `share` of the samples lie. Sorts them.
[[nodiscard]] inline double quantile(std::vector<double>& samples, double share) {
    std::sort(samples.begin(), samples.end());
    return samples[std::min(samples.size() - 1, static_cast<std::size_t>(share * static_cast<double>(samples.size())))];
}

}  // namespace bench
