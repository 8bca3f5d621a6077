/// @file
/// `on`: run a function on an executor and resume here with its result.
///
///     int n = co_await cadre::on(ex, count_words, file);
#pragma once

#include <type_traits>
#include <utility>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/call/call_check.hpp>
#include <cadre/detail/call/local_call.hpp>
#include <cadre/detail/call/packaged_call.hpp>
#include <cadre/detail/call/remote_call.hpp>
#include <cadre/executor.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

template <class Bound>
task<typename Bound::result> run_on_local(executor ex, Bound bound) {
    local_call<Bound> call(std::move(ex).take_backend(), ex.options(), std::move(bound));
    co_return co_await call;
}

template <class Bound>
task<typename Bound::result> run_on_remote(executor ex, Bound bound) {
    remote_call<Bound> call(ex.backend(), ex.options(), bound);
    co_return co_await call;
}

// Two coroutines: the frame of one for both would be too large to be recycled. A handle without an executor is an error
// of the task, not of the call.
template <class Bound>
task<typename Bound::result> run_on(executor ex, Bound bound) {
    if (ex && ex.backend()->remote()) return run_on_remote(std::move(ex), std::move(bound));
    return run_on_local(std::move(ex), std::move(bound));
}

}  // namespace detail

/// Runs `f(args…)` on `ex`; if `f` is a coroutine function its task runs there.
///
/// @param ex    where `f` runs; options that the handle carries (`executor::with`) apply to this call
/// @param f     the function. `f`, the arguments and the result must be portable, whatever the kind of `ex`, so that a
///              call that compiles runs on every kind.
/// @param args  converted to the parameter types of `f`, then moved; they live as long as the coroutine
/// @return a lazy task with the decayed result of `f`
/// @throws std::range_error immediately if an integer does not fit its parameter; the exception of `f`, as itself or as
/// `remote_error`; `executor_stopped`; `not_portable` if an argument cannot be encoded; `timed_out` if the handle
/// carries a time limit, which counts from the begin of `f`; on a process executor `worker_crashed`, `worker_lost`,
/// `task_killed`.
///
/// Stop: passed on; completes when the work has ended, at once if it has not begun. Resumes: at home.
template <class F, class... Args>
[[nodiscard]] auto on(executor ex, F&& f, Args&&... args) {
    using checked = detail::portable_call_check<F, Args...>;
#include <cadre/detail/codec/refusals.def>
    if constexpr (detail::accepts<checked>) {
        using bound = detail::packaged_call_for<F, Args...>;
        return detail::run_on(std::move(ex), bound(std::in_place, std::forward<F>(f), std::forward<Args>(args)...));
    } else {
        return task<typename detail::call_result_of<F, Args...>::type>();
    }
}

/// `on` for an executor of this process: takes any callable and any movable argument.
template <std::derived_from<local_executor> E, class F, class... Args>
[[nodiscard]] auto on(const E& ex, F&& f, Args&&... args) {
    using checked = detail::local_call_check<F, Args...>;
#include <cadre/detail/codec/refusals.def>
    if constexpr (detail::accepts<checked>) {
        using bound = detail::packaged_call_for<F, Args...>;
        return detail::run_on_local(ex.handle(), bound(std::in_place, std::forward<F>(f), std::forward<Args>(args)...));
    } else {
        return task<typename detail::call_result_of<F, Args...>::type>();
    }
}

CADRE_REFUSE_OTHERS(on, "cadre::on(ex, f, args...) takes an executor, a function and its arguments; of a function that "
                        "is overloaded or a template, pass a lambda that calls it");

}  // namespace cadre
