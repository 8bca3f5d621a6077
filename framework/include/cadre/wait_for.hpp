/// @file
/// `wait_for`: wait for a job, for a limited time.
///
///     cadre::job<int> j = cadre::spawn(ex, count_words, file);
///     while (!co_await cadre::wait_for(1s, j)) std::cout << "still counting\n";
///     std::cout << co_await j << '\n';
#pragma once

#include <chrono>
#include <coroutine>
#include <memory>
#include <utility>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/call/job_state.hpp>
#include <cadre/detail/coroutine/waiter.hpp>
#include <cadre/detail/task/time_limit.hpp>
#include <cadre/job.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

/// Waits for a job to end. A stop request ends the wait; the job keeps running.
class [[nodiscard]] job_end_awaiter {
public:
    using resumes_at_home = void;
    explicit job_end_awaiter(std::shared_ptr<job_state_base> job) noexcept { wait_.job = std::move(job); }
    job_end_awaiter(job_end_awaiter&& other) noexcept { wait_.job = std::move(other.wait_.job); }
    job_end_awaiter& operator=(job_end_awaiter&&) = delete;
    ~job_end_awaiter() = default;

    [[nodiscard]] bool await_ready() const noexcept { return wait_.job->ready(); }
    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
        wait_.prepare(
            h, environment_of_promise(h),
            [](waiter& w) noexcept {
                if (static_cast<node&>(w).job->remove(w)) w.finish_cancelled();
            },
            wait_kind::job);
        return wait_.job->add(wait_) && wait_.commit();
    }
    /// @throws cancelled
    void await_resume() { wait_.complete(); }

private:
    struct node : waiter {
        std::shared_ptr<job_state_base> job;
    };
    node wait_;
};

[[nodiscard]] task<bool> wait_for_job(std::chrono::nanoseconds limit, std::shared_ptr<job_state_base> job);

}  // namespace detail

/// Waits until the work of `j` has ended, but no longer than `d`, which counts from the await. The job keeps running
/// after that, and `co_await` of it yields its result.
///
/// @return whether the work has ended: then awaiting the job does not suspend
/// @throws std::logic_error immediately if the job is empty.
///
/// Stop: completes immediately with `cancelled`. Resumes: at home. The job may be awaited by another task meanwhile.
template <class Rep, class Period, class R>
[[nodiscard]] task<bool> wait_for(std::chrono::duration<Rep, Period> d, const job<R>& j) {
    const auto& state = detail::job_access::state(j);
    if (state == nullptr) detail::throw_empty_job();
    return detail::wait_for_job(detail::to_time_limit(d), state);
}

CADRE_REFUSE_OTHERS(wait_for,
                    "cadre::wait_for(duration, job) takes a duration, as 2s, and a job; for a task use timeout");

}  // namespace cadre
