/// @file
/// What every contender prints: one line a figure, which benchmarks/run reads.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <vector>

namespace bench {

using clock = std::chrono::steady_clock;

[[nodiscard]] inline double seconds_since(clock::time_point begin) {
    return std::chrono::duration<double>(clock::now() - begin).count();
}

/// One figure: `case<TAB>value<TAB>unit`. The runner knows from the unit whether more is better: it is for rates ("…/s").
inline void report(std::string_view name, double value, std::string_view unit) {
    std::printf("%.*s\t%.6g\t%.*s\n", static_cast<int>(name.size()), name.data(), value, static_cast<int>(unit.size()),
                unit.data());
    std::fflush(stdout);
}

/// The value below which `share` of the samples lie. Sorts them.
[[nodiscard]] inline double quantile(std::vector<double>& samples, double share) {
    std::sort(samples.begin(), samples.end());
    return samples[std::min(samples.size() - 1, static_cast<std::size_t>(share * static_cast<double>(samples.size())))];
}

}  // namespace bench
