/// @file
/// Why a worker did not start, and whether others will fail in the same way.
#pragma once

#include "process/parent/call_record.hpp"
#include "process/parent/death.hpp"

#include <exception>
#include <string_view>

namespace cadre::detail::process_parent {

/// A failed attempt to start a worker.
struct start_failure {
    std::exception_ptr error{};
    int code = 0;  ///< the errno; 0: none
    /// The start failed by itself: it threw, or exited, or crashed. Otherwise the worker or the fork server may have
    /// been killed from outside.
    bool own = false;
};

/// Of a process that could not be launched.
[[nodiscard]] start_failure launch_failure(std::exception_ptr error) noexcept;
/// Of a worker that has ended before it was ready, but not by its initializer.
[[nodiscard]] start_failure early_death(const death_notice& death);

/// The error of a program that cannot have worker processes: names the executor and what to change. Without memory it
/// is the error of `f` itself.
[[nodiscard]] std::exception_ptr cannot_start(std::string_view executor, const start_failure& f) noexcept;

/// Decides whether starts fail for a reason that does not go away: each of the last 12, over at least 5 seconds, has
/// failed by itself. A lack of resources counts only until the executor has had a ready worker: later it may end.
class start_failure_series {
public:
    void add(const start_failure& f, bool ever_ready, time_point now) noexcept;
    void clear() noexcept { failures_ = 0; }
    [[nodiscard]] bool lasting() const noexcept;

private:
    unsigned failures_ = 0;  // by themselves, in a row
    time_point first_{};
    time_point last_{};
};

}  // namespace cadre::detail::process_parent
