/// @file
/// `executor_stats`: the counters that `executor::stats()` returns.
///
///     cadre::executor_stats s = ex.stats();
///     std::cout << s.done << " done, half of them within " << s.round_trips.percentile(50).count() << " ns\n";
///     for (const cadre::worker_stats& w : s.per_worker)
///         std::cout << "worker " << w.index << ": pid " << w.pid << ", " << to_string(w.state) << '\n';
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace cadre {

/// Counts durations in buckets whose bounds are powers of two nanoseconds.
struct duration_histogram {
    static constexpr std::size_t bucket_count = 48;

    /// `buckets[i]` counts durations from 2^i to 2^(i+1) nanoseconds; the first one shorter ones too, the last one
    /// longer ones.
    std::array<std::uint64_t, bucket_count> buckets{};

    void add(std::chrono::nanoseconds duration) noexcept {
        const auto ns = static_cast<std::uint64_t>(duration.count() > 0 ? duration.count() : 0);
        const auto width = static_cast<std::size_t>(std::bit_width(ns));
        ++buckets[width == 0 ? 0 : width > bucket_count ? bucket_count - 1 : width - 1];
    }
    /// The number of durations.
    [[nodiscard]] std::uint64_t count() const noexcept;
    /// The duration that `percent` of all durations do not exceed, interpolated within its bucket: at most a factor of
    /// two from the exact one. Zero if there are none. @param percent from 0 to 100; other values are clamped
    [[nodiscard]] std::chrono::nanoseconds percentile(double percent) const noexcept;
};

/// What a worker process is doing.
enum class worker_activity : std::uint8_t {
    starting,  ///< its initializer has not completed
    idle,  ///< has no calls
    busy,  ///< runs a task
    waiting,  ///< has calls, of which none runs at the moment: they are suspended, or are about to begin
    retiring,  ///< gets no new calls, and is replaced when its last one has ended
    leaving,  ///< exits in order, at the request of its executor
    dying,  ///< is being killed, or has ended
};

/// "starting", "idle", …
[[nodiscard]] const char* to_string(worker_activity activity) noexcept;

/// The task that a worker runs.
struct running_task {
    std::uint64_t id = 0;  ///< as `job::id()`
    std::string name{};  ///< its given name, else the function's
    /// When it began; it may have been suspended meanwhile. The epoch: not known.
    std::chrono::steady_clock::time_point since{};
};

/// One worker process.
struct worker_stats {
    std::size_t index = 0;  ///< as `this_worker::index()`
    pid_t pid = 0;
    worker_activity state = worker_activity::starting;
    std::uint64_t calls = 0;  ///< unfinished calls that were sent to it
    std::optional<running_task> running{};  ///< empty: no task, or one that the worker itself has spawned
    std::size_t memory = 0;  ///< resident set, in bytes, shared memory included; 0: not known
    std::size_t peak_memory = 0;  ///< the largest `memory` so far, in bytes; 0: not known
};

/// Counters of an executor since it started; a snapshot, not synchronised with running work.
struct executor_stats {
    std::uint64_t submitted = 0;  ///< calls and tasks accepted
    std::uint64_t completed = 0;  ///< submitted work that has ended, with a value or an error
    std::uint64_t done = 0;  ///< the same as `completed`
    std::uint64_t running = 0;  ///< submitted work that has not ended, queued work included: submitted - completed
    std::uint64_t queued = 0;  ///< part of `running`: work that no worker has begun; always 0 for local executors
    std::uint64_t failed = 0;  ///< calls that ended with an error; always 0 for local executors
    std::uint64_t retried =
        0;  ///< repetitions after a worker's death or failed allocation, by the `retries` of single calls
    std::uint64_t workers = 0;  ///< live workers
    std::uint64_t restarts = 0;  ///< workers that died, each of which is replaced; not those that left in order
    /// From the acceptance of calls and tasks to their end. A sample: the first 1,024 of an executor, then one in 256.
    duration_histogram round_trips{};
    std::vector<worker_stats> per_worker{};  ///< of a process executor, by index; empty for local executors
};

}  // namespace cadre
