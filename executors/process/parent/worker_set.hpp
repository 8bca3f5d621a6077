/// @file
/// The workers of an executor.
#pragma once

#include "process/parent/worker_connection.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace cadre::detail::process_parent {

/// Changed under both of the pool's locks; read under either. Members that change a worker need `calls_mutex_`.
class worker_set {
public:
    /// @param leave_limit how long a worker may take to leave when it is sent quit
    worker_set(std::uint32_t capacity, std::chrono::nanoseconds leave_limit)
        : leave_limit_(leave_limit), by_index_(capacity) {
        live_.reserve(capacity);
    }

    /// The number of workers when all are alive.
    [[nodiscard]] std::uint32_t capacity() const noexcept { return static_cast<std::uint32_t>(by_index_.size()); }
    // The workers that live, by index.
    [[nodiscard]] auto begin() const noexcept { return live_.begin(); }
    [[nodiscard]] auto end() const noexcept { return live_.end(); }
    [[nodiscard]] bool empty() const noexcept { return live_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return live_.size(); }

    [[nodiscard]] bool occupied(std::uint32_t index) const noexcept { return by_index_[index] != nullptr; }
    void insert(std::unique_ptr<worker_connection> c) noexcept;
    [[nodiscard]] std::unique_ptr<worker_connection> remove(worker_connection& c) noexcept;
    /// Null if that worker has been removed.
    [[nodiscard]] worker_connection* find(std::uint64_t serial) const noexcept;

    /// Whether there is a worker that accepts calls and has no call.
    [[nodiscard]] bool any_idle() const noexcept;
    /// Whether a worker that has had no calls exists or will soon.
    [[nodiscard]] bool fresh_one_comes() const noexcept;
    /// Whether one has run its initializer.
    [[nodiscard]] bool any_ready() const noexcept;
    /// The same, of the workers that have ended too.
    [[nodiscard]] bool ever_ready() const noexcept { return ever_ready_; }
    /// Whether a worker has sent something that was not handled. Needs `drain_mutex_`.
    [[nodiscard]] bool events_ready() const noexcept;
    /// Rings the workers for which that was requested.
    void ring_requested() noexcept;

    /// The initializer of `c` has run.
    void set_ready(worker_connection& c) noexcept;
    /// Failed attempts to start a worker since the last one that became ready; of those, the ones that its initializer
    /// failed.
    [[nodiscard]] unsigned failed_starts() const noexcept { return failed_starts_; }
    [[nodiscard]] unsigned failed_initializers() const noexcept { return failed_initializers_; }
    void count_failed_start(bool by_initializer) noexcept {
        ++failed_starts_;
        if (by_initializer) ++failed_initializers_;
    }

    /// From now on every worker leaves as soon as it has no calls.
    void quit() noexcept;
    [[nodiscard]] bool quitting() const noexcept { return quitting_; }
    /// Kills the workers that were to leave and have not left in time.
    void kill_overdue(time_point now) noexcept;
    /// When `kill_overdue` is due; time_point::max(): never.
    [[nodiscard]] time_point kill_time() const noexcept;
    /// Sends quit to a worker that has no calls and is to leave.
    void dismiss_if_done(worker_connection& c) noexcept;

private:
    void dismiss(worker_connection& c) noexcept;
    void collect_live() noexcept;

    const std::chrono::nanoseconds leave_limit_;
    std::vector<std::unique_ptr<worker_connection>> by_index_;  // null: none at present
    std::vector<worker_connection*> live_;
    unsigned failed_starts_ = 0;
    unsigned failed_initializers_ = 0;
    bool ever_ready_ = false;
    bool quitting_ = false;
};

}  // namespace cadre::detail::process_parent
