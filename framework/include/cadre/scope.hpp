/// @file
/// `scope`: structured concurrency; spawn any number of tasks, then wait for all.
///
///     cadre::scope s;
///     s.spawn(serve(first));
///     s.spawn(ex, resize, image);
///     co_await s.join();
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include <cadre/detail/coroutine/awaitable.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/promise.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/coroutine/wait_awaiter.hpp>
#include <cadre/detail/task/as_task.hpp>
#include <cadre/executor.hpp>
#include <cadre/task.hpp>

namespace cadre {

/// A set of tasks that end before the scope does. Made inside a task, whose home and stop requests its tasks inherit. `join` it
/// before it is destroyed: destroying a scope with live tasks terminates the program. `spawn` may also be called by the
/// scope's own tasks, on any thread; the other members are for one coroutine.
class scope {
public:
    static constexpr bool cadre_process_bound = true;

    /// @throws std::logic_error outside a task
    scope();
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope();

    /// Starts `t` at the home of this scope. Its result is discarded; `join` rethrows its error.
    template <class T>
    void spawn(task<T> t) {
        if constexpr (std::is_void_v<T>)
            start(std::move(t));
        else
            start(run_child(std::move(t)));
    }
    /// Starts `f(args…)` on `ex`, like `on`. Needs `<cadre/on.hpp>` where it is called.
    template <class E, class F, class... Args>
        requires std::is_convertible_v<const E&, executor>
    void spawn(const E& ex, F&& f, Args&&... args) {
        // `on` belongs to a later layer: argument-dependent lookup finds it where this is instantiated.
        if constexpr (std::is_base_of_v<local_executor, E>)
            start(run_child(on(ex, std::forward<F>(f), std::forward<Args>(args)...)));
        else
            start(run_child(on(executor(ex), std::forward<F>(f), std::forward<Args>(args)...)));
    }

    /// Requests stop of all tasks of the scope, also of those spawned later.
    void request_stop() noexcept { stop_.request_stop(); }
    /// The number of tasks that have not ended.
    [[nodiscard]] std::size_t size() const noexcept;

    /// Completes when all tasks have ended; rethrows the first error, which has requested stop of the others. Stop: passed on;
    /// ends when all tasks have ended. Resumes: at home. The scope can be used again afterwards.
    [[nodiscard]] detail::wait_awaiter<scope> join() noexcept { return detail::wait_awaiter<scope>(*this); }

private:
    friend detail::wait_awaiter<scope>;
    struct child;
    template <class T>
    static task<void> run_child(task<T> t) {
        (void)co_await std::move(t);
    }
    void start(task<void> t);
    void child_ended(child& c) noexcept;
    [[nodiscard]] bool wait(detail::waiter& joiner) noexcept;
    void finish_wait();

    detail::environment env_;
    detail::stop_state stop_;
    mutable std::mutex mutex_;
    std::size_t live_ = 0;
    std::exception_ptr error_;
    detail::waiter* joiner_ = nullptr;
};

namespace detail {

template <class F>
task<std::decay_t<await_result_t<std::invoke_result_t<F&, scope&>>>> run_scope(F f) {
    using result = std::decay_t<await_result_t<std::invoke_result_t<F&, scope&>>>;
    scope s;
    std::exception_ptr error;
    if constexpr (std::is_void_v<result>) {
        try {
            auto body = f(s);
            co_await std::move(body);
        } catch (...) {
            error = std::current_exception();
            s.request_stop();
        }
        if (error == nullptr) {
            co_await s.join();
            co_return;
        }
    } else {
        std::optional<result> value;
        try {
            auto body = f(s);
            value.emplace(co_await std::move(body));
        } catch (...) {
            error = std::current_exception();
            s.request_stop();
        }
        if (error == nullptr) {
            co_await s.join();
            co_return std::move(*value);
        }
    }
    try {
        co_await s.join();
    } catch (...) {  // NOLINT(bugprone-empty-catch): the body's own error came first
    }
    std::rethrow_exception(error);
}

}  // namespace detail

/// Passes a new scope to the coroutine function `f` and joins the scope in any case; completes with the result of `f`. If `f`
/// throws, stop of the scope's tasks is requested, and the error is rethrown when they have ended.
template <class F>
    requires awaitable<std::invoke_result_t<F&, scope&>>
[[nodiscard]] auto with_scope(F f) {
    return detail::run_scope<F>(std::move(f));
}

}  // namespace cadre
