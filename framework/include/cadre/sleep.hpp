/// @file
/// `sleep_for`, `sleep_until`, `yield`: suspend without holding a thread. `now`: the clock by which tasks sleep.
///
///     co_await cadre::sleep_for(100ms);
#pragma once

#include <chrono>
#include <coroutine>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/coroutine/await_check.hpp>
#include <cadre/detail/coroutine/waiter.hpp>
#include <cadre/detail/scheduler/resume_item.hpp>
#include <cadre/detail/scheduler/timer_service.hpp>
#include <cadre/detail/task/time_limit.hpp>

namespace cadre {

namespace detail {

class [[nodiscard]] sleep_awaiter : waiter {
public:
    using resumes_at_home = void;
    explicit sleep_awaiter(steady_time when) noexcept { timer_.when = when; }
    explicit sleep_awaiter(std::chrono::nanoseconds delay) noexcept : delay_(delay) {}

    [[nodiscard]] bool await_ready() noexcept {
        check_.awaited();
        return false;
    }
    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> h) {
        return suspend(h, environment_of_promise(h));
    }
    /// @throws cancelled
    void await_resume() { complete(); }

private:
    struct node : timer_node {
        sleep_awaiter* self = nullptr;
    };
    bool suspend(std::coroutine_handle<> h, environment* e);
    await_check<awaitable_kind::sleep> check_;
    node timer_;
    std::chrono::nanoseconds delay_{-1};  // counted from the await; negative: sleeps until `timer_.when`
};

class [[nodiscard]] yield_awaiter {
public:
    using resumes_at_home = void;
    yield_awaiter() noexcept = default;
    // The copy is awaited instead.
    yield_awaiter(const yield_awaiter& other) noexcept { other.item_.run = &nothing; }
    yield_awaiter& operator=(const yield_awaiter&) = delete;
    ~yield_awaiter() { check_awaited(item_.run != nullptr, "yield()"); }
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> h) {
        suspend(h, environment_of_promise(h));
    }
    static void await_resume() noexcept {}

private:
    static void nothing(work_item* /*item*/) noexcept {}
    void suspend(std::coroutine_handle<> h, environment* e);
    mutable resume_item item_;  // `run` is null until the await
};

/// The time `d` from now; saturates at the end of the clock's range.
template <class Rep, class Period>
[[nodiscard]] steady_time deadline_after(std::chrono::duration<Rep, Period> d) {
    using clock = std::chrono::steady_clock;
    const auto now = clock::now();
    if (d <= d.zero()) return now;
    const auto room = std::chrono::duration<double>(steady_time::max() - now);
    if (std::chrono::duration<double>(d) >= room) return steady_time::max();
    return now + std::chrono::ceil<clock::duration>(d);
}

[[nodiscard]] std::chrono::steady_clock::time_point time_at_home() noexcept;

}  // namespace detail

/// The present time of the clock by which the running task sleeps: that of its home, which is virtual on a serial
/// executor with `clock_kind::virtual_time`. Such a clock begins at the real time and does not advance while tasks run.
/// Everywhere else, and outside of tasks, `std::chrono::steady_clock::now()`. Thread-safe.
// A template, so that after `using namespace cadre` a program's own `now()` is the better match.
template <class = void>
[[nodiscard]] std::chrono::steady_clock::time_point now() noexcept {
    return detail::time_at_home();
}

/// Suspends for at least `d`, counted from the await; if `d` is not positive it only checks for a stop request.
///
/// Stop: completes immediately with `cancelled`. Resumes: at home. Precision: that of the home's timer, tens of
/// microseconds.
template <class Rep, class Period>
[[nodiscard]] detail::sleep_awaiter sleep_for(std::chrono::duration<Rep, Period> d) {
    return detail::sleep_awaiter(detail::to_time_limit(d));
}

/// Suspends until `t`, of any clock; a time of the steady clock is one of `cadre::now()`. A time of another clock is
/// converted once, at the call.
///
/// Stop: completes immediately with `cancelled`. Resumes: at home.
template <class Clock, class Duration>
[[nodiscard]] detail::sleep_awaiter sleep_until(std::chrono::time_point<Clock, Duration> t) {
    if constexpr (std::is_same_v<Clock, std::chrono::steady_clock>)
        return detail::sleep_awaiter(std::chrono::time_point_cast<detail::steady_time::duration>(t));
    else
        return detail::sleep_awaiter(detail::deadline_after(cadre::now(), detail::to_time_limit(t - Clock::now())));
}

/// Suspends behind all work that is ready on this executor. Not a cancellation point. Resumes: at home.
[[nodiscard]] inline detail::yield_awaiter yield() noexcept { return {}; }

CADRE_REFUSE_OTHERS(sleep_for, "cadre::sleep_for(duration) takes a duration, as 100ms");
CADRE_REFUSE_OTHERS(sleep_until, "cadre::sleep_until(time) takes a time point, as cadre::now() + 100ms");

}  // namespace cadre
