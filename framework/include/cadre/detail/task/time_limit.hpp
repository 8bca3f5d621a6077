/// @file
/// Time limits of tasks: the stop state that a timer requests, and the error that the limit becomes.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <string>
#include <string_view>

#include <cadre/detail/base/durations.hpp>
#include <cadre/detail/base/is_cancelled.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/scheduler/timer_service.hpp>

namespace cadre::detail {

/// Whether `error` is `cancelled` or `task_killed`: the end of work that obeyed a stop request, or was forced to.
[[nodiscard]] bool ended_by_stop(const std::exception_ptr& error) noexcept;

/// The text of a `timed_out`: "timed out after 100 ms", with ": resize(image)" behind it if `task`, the text of the
/// limited call, is not empty.
[[nodiscard]] std::string timed_out_text(std::chrono::nanoseconds limit, std::string_view task = {});

/// Notes on this thread which call has ended with `error`.
void note_call_of_error(const std::exception_ptr& error, std::string task) noexcept;
/// Notes that a call has ended with `error`, for the `timeout` on this thread that meets that error next. `task` makes
/// the text of the call; it is called only if a deadline has passed and caused the error.
template <class Text>
void note_limited_call(const stop_state* stop, const std::exception_ptr& error, Text task) {
    if (stop != nullptr && stop->reason() >= stop_reason::deadline && ended_by_stop(error))
        note_call_of_error(error, task());
}
/// The text that was noted last on this thread, if for `error`; else empty. Forgets it.
[[nodiscard]] std::string take_call_of_error(const std::exception_ptr& error) noexcept;

/// The duration rounded up; zero if it is negative, the longest one if it is out of range.
template <class Rep, class Period>
[[nodiscard]] constexpr std::chrono::nanoseconds to_time_limit(std::chrono::duration<Rep, Period> d) {
    return d <= d.zero() ? std::chrono::nanoseconds::zero() : to_nanoseconds(d);
}

/// A stop state that a timer requests, with the reason `deadline`. The timer is one of the process-wide service, whose
/// thread runs no tasks: the limit passes also while every worker of the home is busy. On a loop with a virtual clock
/// it is one of that loop.
///
/// The word `fired_`: set by the timers' thread after the request, with release, as its last access; read with acquire
/// by `disarm`. A stop callback of a user's awaitable may resume the limited task inside the request: then `disarm` is
/// called on the timers' thread, which does not wait for itself.
class deadline_stop {
public:
    deadline_stop() noexcept = default;
    deadline_stop(const deadline_stop&) = delete;
    deadline_stop& operator=(const deadline_stop&) = delete;

    /// The deadline is `limit` from now, by the clock of the loop on this thread if that is virtual.
    void arm(std::chrono::nanoseconds limit, stop_state* parent);
    /// Disarms the timer, and waits if it is firing. @return whether the deadline has passed
    [[nodiscard]] bool disarm() noexcept;
    [[nodiscard]] stop_state& stop() noexcept { return stop_; }

private:
    struct node : timer_node {
        deadline_stop* self = nullptr;
    };
    node timer_;
    timer_service* timers_ = nullptr;  // in which it is armed
    stop_state stop_;
    std::atomic<bool> fired_{false};
    bool* disarmed_inside_ = nullptr;  // of the timers' thread, while it requests stop
};

}  // namespace cadre::detail
