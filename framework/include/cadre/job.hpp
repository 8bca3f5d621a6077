/// @file
/// `spawn`: start work now, and `job`: the handle to it.
///
///     cadre::job<int> j = cadre::spawn(ex, count_words, file);
///     …
///     int n = co_await j;
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>

#include <sys/types.h>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/call/job_state.hpp>
#include <cadre/on.hpp>

namespace cadre {

namespace detail {

/// For algorithms over jobs, such as `as_completed`.
struct job_access {
    /// Null if the job has been moved from.
    template <class Job>
    [[nodiscard]] static const auto& state(const Job& j) noexcept {
        return j.state_;
    }
};

}  // namespace detail

/// The handle to work that `spawn` has started. Move-only. The destructor requests stop of the work and discards the
/// result; the executor then owns the work until it ends. A job is awaited once. The member functions are
/// thread-safe. An empty job (default-constructed, or moved from) has no work: `request_stop` and `kill` do nothing,
/// and the others return false, 0 or an empty text; awaiting it is a `std::logic_error`.
template <class R>
class [[nodiscard]] job {
public:
    using value_type = R;
    static constexpr bool cadre_process_bound = true;

    job() noexcept = default;
    explicit job(std::shared_ptr<detail::job_state<R>> state) noexcept : state_(std::move(state)) {}
    job(job&&) noexcept = default;
    job& operator=(job&& other) noexcept {
        if (this != &other) {
            drop();
            state_ = std::move(other.state_);
        }
        return *this;
    }
    ~job() { drop(); }

    /// Requests stop of the work. Idempotent; any thread.
    void request_stop() const noexcept {
        if (state_ != nullptr) state_->request_stop();
    }
    /// On a process executor: requests stop of the work, and kills its worker with SIGKILL if the work has not ended
    /// after `kill_grace`; awaiting the job then throws `task_killed`. On other executors: `request_stop`. Idempotent;
    /// any thread.
    void kill() const noexcept {
        if (state_ != nullptr) state_->kill();
    }
    /// Whether the work has ended: then awaiting the job does not suspend.
    [[nodiscard]] bool ready() const noexcept { return state_ != nullptr && state_->ready(); }
    /// The number of the task, unique among the processes of this program.
    [[nodiscard]] task_id id() const noexcept { return state_ != nullptr ? task_id{state_->id()} : task_id{}; }
    /// The process that runs the work: of a worker once it has taken the call, this process for local executors, else
    /// 0.
    [[nodiscard]] pid_t worker_pid() const noexcept { return state_ != nullptr ? state_->worker_pid() : 0; }
    /// The host of `worker_pid()`; empty while that is 0. On executors of several hosts both are known some
    /// milliseconds after the work has begun, and when it has ended.
    [[nodiscard]] std::string worker_host() const { return state_ != nullptr ? state_->worker_host() : std::string{}; }

    class awaiter {
    public:
        using resumes_at_home = void;
        explicit awaiter(std::shared_ptr<detail::job_state<R>> state) noexcept : state_(std::move(state)) {}
        awaiter(awaiter&& o) noexcept : state_(std::move(o.state_)) {}
        awaiter& operator=(awaiter&&) = delete;
        ~awaiter() = default;
        [[nodiscard]] bool await_ready() const noexcept { return state_->ready(); }
        template <class Promise>
        [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
            return state_->wait(wait_, h, detail::environment_of_promise(h));
        }
        R await_resume() {
            wait_.end();
            return state_->take();
        }

    private:
        std::shared_ptr<detail::job_state<R>> state_;
        detail::job_wait wait_;
    };

    /// Waits for the work and moves its result out.
    /// @throws the same as `on`; `std::logic_error` if the job is empty or was awaited before.
    ///
    /// Stop: passed on to the work, with its reason; completes when the work has ended. Resumes: at home.
    [[nodiscard]] awaiter operator co_await() const {
        if (state_ == nullptr) detail::throw_empty_job();
        state_->claim();
        return awaiter(state_);
    }

private:
    friend detail::job_access;
    void drop() noexcept {
        if (state_ != nullptr) state_->abandon();
        state_ = nullptr;
    }
    std::shared_ptr<detail::job_state<R>> state_;
};

/// Starts `f(args…)` on `ex` immediately. The work inherits the stop requests of the calling task. Parameters and
/// requirements are those of `on`.
///
/// @return the handle; on a stopped executor of a job that fails with `executor_stopped`
/// @throws not_portable if an argument cannot be encoded. Thread-safe, also outside tasks.
template <class F, class... Args>
[[nodiscard]] auto spawn(executor ex, F&& f, Args&&... args) {
    using checked = detail::portable_call_check<F, Args...>;
#include <cadre/detail/codec/refusals.def>
    if constexpr (detail::accepts<checked>) {
        using bound = detail::packaged_call_for<F, Args...>;
        return job<typename bound::result>(
            detail::start_job(ex, bound(std::in_place, std::forward<F>(f), std::forward<Args>(args)...)));
    } else {
        return job<typename detail::call_result_of<F, Args...>::type>();
    }
}

/// `spawn` for an executor of this process: takes any callable and any movable argument.
template <std::derived_from<local_executor> E, class F, class... Args>
[[nodiscard]] auto spawn(const E& ex, F&& f, Args&&... args) {
    using checked = detail::local_call_check<F, Args...>;
#include <cadre/detail/codec/refusals.def>
    if constexpr (detail::accepts<checked>) {
        using bound = detail::packaged_call_for<F, Args...>;
        return job<typename bound::result>(detail::start_local_job(
            ex.handle(), bound(std::in_place, std::forward<F>(f), std::forward<Args>(args)...)));
    } else {
        return job<typename detail::call_result_of<F, Args...>::type>();
    }
}

CADRE_REFUSE_OTHERS(spawn, "cadre::spawn(ex, f, args...) takes an executor, a function and its arguments; of a "
                           "function that is overloaded or a template, pass a lambda that calls it");

}  // namespace cadre
