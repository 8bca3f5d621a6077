/// @file
/// `timeout`: a time limit around anything awaitable.
///
///     auto page = co_await cadre::timeout(2s, fetch(url));   // throws cadre::timed_out
#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <exception>
#include <utility>

#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/scheduler/timer_service.hpp>
#include <cadre/detail/task/as_task.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor_backend.hpp>
#include <cadre/sleep.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

/// Whether an error is what work throws that was asked, or forced, to stop; anything else is its own failure.
[[nodiscard]] bool ended_by_stop(const std::exception_ptr& error) noexcept;

/// A stop state that is requested (with the reason `deadline`) when a timer fires.
class deadline_stop {
public:
    deadline_stop() noexcept = default;
    deadline_stop(const deadline_stop&) = delete;
    deadline_stop& operator=(const deadline_stop&) = delete;

    void arm(timer_service& timers, steady_time when, stop_state* parent);
    /// Disarms. @return whether the deadline had passed; afterwards nothing of it runs any more
    [[nodiscard]] bool disarm() noexcept;
    [[nodiscard]] stop_state& stop() noexcept { return stop_; }

private:
    struct node : timer_node {
        deadline_stop* self = nullptr;
    };
    node timer_;
    timer_service* timers_ = nullptr;
    stop_state stop_;
    std::atomic<bool> fired_{false};
};

template <class T>
class [[nodiscard]] timeout_awaiter {
public:
    timeout_awaiter(steady_time when, task<T> t) noexcept : when_(when), task_(std::move(t)) {}
    timeout_awaiter(timeout_awaiter&& o) noexcept : when_(o.when_), task_(std::move(o.task_)) {}
    timeout_awaiter& operator=(timeout_awaiter&&) = delete;
    ~timeout_awaiter() = default;

    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <class Promise>
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) {
        parent_env_ = environment_of_promise(parent);
        env_.home = parent_env_->home;
        env_.info = parent_env_->info;
        env_.stop = &deadline_.stop();
        deadline_.arm(parent_env_->home->timers(), when_, parent_env_->stop);
        task_.frame().promise().attach(&env_, parent);
        set_current_environment(&env_);
        return task_.frame();
    }
    T await_resume() {
        set_current_environment(parent_env_);
        const bool passed = deadline_.disarm();
        auto& promise = task_.frame().promise();
        if (promise.failed() && passed && !parent_stopped() && ended_by_stop(promise.error())) throw timed_out{};
        return promise.take();
    }

private:
    [[nodiscard]] bool parent_stopped() const noexcept {
        return parent_env_->stop != nullptr && parent_env_->stop->stop_requested();
    }
    steady_time when_;
    environment* parent_env_ = nullptr;
    environment env_;
    deadline_stop deadline_;
    task<T> task_;  // last: what its frame still holds may be linked to the deadline's stop state
};

}  // namespace detail

/// The result of `a`, or `timed_out` after `d`: then `a` is asked to stop (on a process executor by force if it does
/// not listen) and has ended when this completes. A result that is complete is given, never lost.
///
/// Stop: passed on to `a`. Resumes: at home.
template <class Rep, class Period, awaitable A>
[[nodiscard]] auto timeout(std::chrono::duration<Rep, Period> d, A a) {
    return detail::timeout_awaiter<await_result_t<A>>(detail::deadline_after(d), detail::as_task(std::move(a)));
}

}  // namespace cadre
