/// @file
/// Stop requests: `with_stop`, `shield`, `stop_requested`.
///
///     while (!cadre::stop_requested()) crunch_a_little();
#pragma once

#include <coroutine>
#include <optional>
#include <stop_token>
#include <utility>

#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/task/as_task.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

/// Awaits one task in an environment that differs from the awaiting one's in its stop state only.
template <class T>
class [[nodiscard]] stop_token_override {
public:
    stop_token_override(task<T> t, std::stop_token token) noexcept : token_(std::move(token)), task_(std::move(t)) {}
    stop_token_override(stop_token_override&& o) noexcept : token_(std::move(o.token_)), task_(std::move(o.task_)) {}
    stop_token_override& operator=(stop_token_override&&) = delete;
    ~stop_token_override() = default;

    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <class Promise>
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) {
        parent_env_ = environment_of_promise(parent);
        env_.home = parent_env_->home;
        env_.info = parent_env_->info;
        env_.stop = &stop_;
        callback_.emplace(token_, forward{&stop_});
        task_.frame().promise().attach(&env_, parent);
        set_current_environment(&env_);
        return task_.frame();
    }
    T await_resume() {
        set_current_environment(parent_env_);
        callback_.reset();
        return task_.frame().promise().take();
    }

private:
    struct forward {
        stop_state* to;
        void operator()() const noexcept { to->request_stop(); }
    };
    std::stop_token token_;
    environment* parent_env_ = nullptr;
    environment env_;
    stop_state stop_;
    std::optional<std::stop_callback<forward>> callback_;
    task<T> task_;  // last: what its frame still holds may be linked to the stop state
};

}  // namespace detail

/// Awaits `a` under `token` instead of the inherited stop state: a request through `token` reaches it, one to the
/// awaiting task does not. Resumes at home.
template <awaitable A>
[[nodiscard]] auto with_stop(std::stop_token token, A a) {
    return detail::stop_token_override<await_result_t<A>>(detail::as_task(std::move(a)), std::move(token));
}

/// Awaits `a` and lets it finish although stop was requested. Resumes at home.
template <awaitable A>
[[nodiscard]] auto shield(A a) {
    return with_stop(std::stop_token{}, std::move(a));
}

/// Whether the task that runs on this thread was asked to stop; for loops in ordinary functions, also in worker
/// processes. False outside tasks.
[[nodiscard]] bool stop_requested() noexcept;

}  // namespace cadre
