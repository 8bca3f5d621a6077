#include <cadre/executor_stats.hpp>

#include <algorithm>
#include <numeric>

namespace cadre {

std::uint64_t duration_histogram::count() const noexcept {
    return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
}

std::chrono::nanoseconds duration_histogram::percentile(double percent) const noexcept {
    const std::uint64_t total = count();
    if (total == 0) return std::chrono::nanoseconds(0);
    const double wanted = static_cast<double>(total) * (percent >= 0 ? std::min(percent, 100.0) : 0.0) / 100;
    double below = 0;
    std::size_t last = 0;
    for (std::size_t i = 0; i < bucket_count; ++i) {
        if (buckets[i] == 0) continue;
        last = i;
        const auto here = static_cast<double>(buckets[i]);
        if (below + here >= wanted) {
            const double low = i == 0 ? 0 : static_cast<double>(std::uint64_t{1} << i);
            const double high = static_cast<double>(std::uint64_t{2} << i);
            return std::chrono::nanoseconds(
                static_cast<std::int64_t>(low + (high - low) * std::max(wanted - below, 0.0) / here));
        }
        below += here;
    }
    return std::chrono::nanoseconds(std::int64_t{2} << last);  // rounding
}

const char* to_string(worker_activity activity) noexcept {
    switch (activity) {
        case worker_activity::starting: return "starting";
        case worker_activity::idle: return "idle";
        case worker_activity::busy: return "busy";
        case worker_activity::waiting: return "waiting";
        case worker_activity::retiring: return "retiring";
        case worker_activity::leaving: return "leaving";
        case worker_activity::dying: return "dying";
    }
    return "unknown";
}

}  // namespace cadre
