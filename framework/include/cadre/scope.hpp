/// @file
/// `scope`: structured concurrency; spawn any number of tasks, then wait for all.
///
///     cadre::scope s;
///     s.spawn(serve(first));
///     s.spawn(ex, resize, image);
///     s.spawn([client = 3] { return serve(client); });
///     co_await s.join();
#pragma once

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include <cadre/call.hpp>
#include <cadre/detail/base/late_object.hpp>
#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/coroutine/awaitable.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/promise.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/coroutine/wait_awaiter.hpp>
#include <cadre/detail/coroutine/wait_note.hpp>
#include <cadre/detail/task/as_task.hpp>
#include <cadre/executor.hpp>
#include <cadre/nested_errors.hpp>
#include <cadre/task.hpp>

namespace cadre {

/// A set of tasks that end before the scope does. Made inside a task, whose home and stop requests its tasks inherit.
/// `join` it before it is destroyed: destroying a scope with live tasks terminates the program, with a message on
/// stderr. `spawn` may also be called by the scope's own tasks, on any thread; the other members are for one coroutine.
class scope {
public:
    static constexpr bool cadre_process_bound = true;

    /// `where` is printed in the message of the termination. @throws std::logic_error outside a task
    explicit scope(std::source_location where = std::source_location::current());
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope();

    /// Starts to await `a` at the home of this scope. Its result is discarded; `join` rethrows its error.
    /// @throws std::logic_error if `a` is an empty task
    template <awaitable A>
    void spawn(A a) {
        if constexpr (detail::is_task<A>) detail::require_coroutine(a);
        if constexpr (std::is_same_v<A, task<void>>)
            start(std::move(a));
        else
            start(run_child(std::move(a)));
    }
    /// Starts `call(f, args…)` at the home of this scope: `f` and `args` are owned until it has ended.
    template <class F, class... Args>
        requires(!awaitable<std::decay_t<F>> && !std::is_convertible_v<const std::decay_t<F>&, executor> &&
                 detail::callable_at_home<std::decay_t<F>, std::decay_t<Args>...>)
    void spawn(F&& f, Args&&... args) {
        start(run_child(call(std::forward<F>(f), std::forward<Args>(args)...)));
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
    CADRE_REFUSE_OTHER_MEMBERS(spawn, "cadre::scope::spawn takes an awaitable, as a task; or a function and arguments "
                                      "with which it can be called; or an executor before these; of a function that is "
                                      "overloaded or a template, pass a lambda that calls it");

    /// Requests stop of all tasks of the scope, also of those spawned later, until `join` has completed. A task
    /// that ends with `cancelled` because of it does not count as failed.
    void request_stop() noexcept;
    /// The number of tasks that have not ended.
    [[nodiscard]] std::size_t size() const noexcept;

    /// Completes when all tasks have ended. The first error of a task requests stop of the others and is rethrown here;
    /// the later ones are in its `nested_errors`. Stop: passed on; ends when all tasks have ended. Resumes: at home.
    /// The scope can be used again afterwards, also after an error.
    [[nodiscard]] detail::wait_awaiter<scope> join() noexcept { return detail::wait_awaiter<scope>(*this); }

private:
    friend detail::wait_awaiter<scope>;
    static constexpr detail::wait_kind waits_for = detail::wait_kind::join;
    /// Shared by all tasks of the scope, each of which notifies it when it ends.
    struct end_of_child : detail::completion {
        scope* owner = nullptr;
    };
    template <class A>
    static task<void> run_child(A a) {
        (void)co_await std::move(a);
    }
    static std::coroutine_handle<> on_child_end(detail::completion* c, std::coroutine_handle<> ended) noexcept;
    static detail::task_origin origin_of_child(const detail::completion& c) noexcept;
    static const bool described;
    void start(task<void> t);
    void child_ended(task<void> child) noexcept;
    void count_end() noexcept;
    void child_failed(const std::exception_ptr& error) noexcept;
    [[nodiscard]] bool wait(detail::waiter& joiner) noexcept;
    void finish_wait();
    [[noreturn]] void terminate() const noexcept;

    detail::environment env_;
    detail::stop_state* parent_stop_ = nullptr;
    detail::late_object<detail::stop_state> stop_;  // a new one after each join that follows a request
    std::source_location where_;
    std::mutex mutex_;  // a leaf lock, not held while stop is requested
    bool stopped_ = false;  // by `request_stop`
    std::exception_ptr error_;
    detail::waiter* joiner_ = nullptr;
    end_of_child end_;
    // The tasks are counted on two cache lines: `spawn` and the ends of tasks happen on different processors.
    //
    //     word       state  changed by                                    to             order
    //     started_   n      `spawn`                                       n + 1          fetch_add, relaxed
    //                any    `join`: tasks of the scope may still spawn    joining        fetch_or, relaxed
    //     open_      any    the end of a task                             - 1            fetch_sub, acq_rel
    //                any    `join`: the tasks counted by `started_`       + n + joining  fetch_add, acq_rel
    //                any    `spawn` that has found `started_` joining     + 1            fetch_add, relaxed
    //     both       any    `finish_wait`, alone                          0              store, relaxed
    //
    // So `open_` is minus the ended tasks before `join` and `joining` plus the live tasks after it; the change that
    // makes it `joining` finishes the joiner. The count is the last access of a task that ends: the scope may be
    // destroyed afterwards. Padding instead of `alignas`: a coroutine frame, in which a scope usually is, is not
    // aligned to a cache line.
    static constexpr std::int64_t joining = std::int64_t{1} << 62;
    [[maybe_unused]] std::byte apart_[64];
    std::atomic<std::int64_t> started_{0};
    [[maybe_unused]] std::byte apart_too_[64];
    std::atomic<std::int64_t> open_{0};
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
    } catch (...) {  // the body's own error takes precedence
        add_nested_error(error, std::current_exception());
    }
    std::rethrow_exception(error);
}

}  // namespace detail

/// Passes a new scope to the coroutine function `f` and joins the scope in any case; completes with the result of `f`.
/// If `f` throws, stop of the scope's tasks is requested, and the error is rethrown when they have ended.
template <class F>
    requires awaitable<std::invoke_result_t<F&, scope&>>
[[nodiscard]] auto with_scope(F f) {
    return detail::run_scope<F>(std::move(f));
}

CADRE_REFUSE_OTHERS(with_scope, "cadre::with_scope(f) takes a coroutine function with a parameter scope&");

}  // namespace cadre
