/// @file
/// `timeout`: a time limit around anything awaitable.
///
///     auto page = co_await cadre::timeout(2s, fetch(url));   // throws cadre::timed_out
#pragma once

#include <chrono>
#include <utility>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/coroutine/wait_note.hpp>
#include <cadre/detail/task/as_task.hpp>
#include <cadre/detail/task/stop_override.hpp>
#include <cadre/detail/task/time_limit.hpp>
#include <cadre/errors.hpp>
#include <cadre/sleep.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

/// The stop state of work under a time limit: below the awaiting task's, and requested at the deadline.
class timeout_stop {
public:
    /// `coroutine` is the function of the work, for the text of the error.
    timeout_stop(std::chrono::nanoseconds limit, const void* coroutine) noexcept
        : limit_(limit), coroutine_(coroutine) {}
    timeout_stop(timeout_stop&& o) noexcept : timeout_stop(o.limit_, o.coroutine_) {}  // moved only before it is used
    timeout_stop& operator=(timeout_stop&&) = delete;
    ~timeout_stop() = default;

    [[nodiscard]] stop_state& begin(const environment& parent) {
        deadline_.arm(limit_, parent.stop);
        return deadline_.stop();
    }
    /// @throws timed_out if the work ended because of the limit
    void end(const environment& parent, const promise_base& ended);

private:
    std::chrono::nanoseconds limit_;
    const void* coroutine_;
    deadline_stop deadline_;
};

}  // namespace detail

/// Completes with the result of `a`, or with `timed_out` after `d`, whose text names the call; `d` counts from the
/// await: at the deadline stop of `a` is requested (on a process executor it is ended by force if it does not stop),
/// and it has ended when this completes. A complete result is never lost. The limit also takes effect while every
/// worker of the home is busy: an ordinary function in `a` sees it by `stop_requested`.
///
/// `a` ends at its first wait for an event after the deadline: a lock that is free, or a channel that is ready, is not
/// a wait.
///
/// Stop: passed on to `a`. Resumes: at home.
template <class Rep, class Period, awaitable A>
[[nodiscard]] auto timeout(std::chrono::duration<Rep, Period> d, A a) {
    auto work = detail::as_task(std::move(a));
    detail::timeout_stop limit(detail::to_time_limit(d), detail::resume_function(work.frame()));
    return detail::stop_override<await_result_t<A>, detail::timeout_stop>(std::move(work), std::move(limit));
}

CADRE_REFUSE_OTHERS(
    timeout,
    "cadre::timeout(duration, awaitable) takes a duration, as 2s, and something that can be awaited, as a task");

}  // namespace cadre
