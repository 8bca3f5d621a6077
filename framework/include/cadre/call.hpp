/// @file
/// `call`: a function call as a task that owns the function and its arguments.
///
///     auto [a, b] = co_await cadre::when_all(cadre::call([x = 7] { return 6 * x; }), cadre::call(fetch, url));
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/codec/convert_argument.hpp>
#include <cadre/detail/codec/portable_signature.hpp>
#include <cadre/detail/coroutine/awaitable.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

// Owned arguments are passed as rvalues; as lvalues to a function that takes only those.
template <class F, class... Args>
decltype(auto) invoke_owned(F& f, Args&... args) {
    if constexpr (std::is_invocable_v<F&, Args...>)
        return std::invoke(f, std::move(args)...);
    else
        return std::invoke(f, args...);
}

template <class R>
struct call_result {
    using type = std::decay_t<R>;
};
template <awaitable R>
struct call_result<R> {
    using type = std::decay_t<await_result_t<R>>;
};
template <class F, class... Args>
using call_result_t = typename call_result<decltype(invoke_owned(std::declval<F&>(), std::declval<Args&>()...))>::type;

template <class F, class... Args>
concept callable_at_home = std::is_invocable_v<F&, Args...> || std::is_invocable_v<F&, Args&...>;

template <class F, class... Args>
task<call_result_t<F, Args...>> run_call(F f, Args... args) {
    if constexpr (awaitable<decltype(invoke_owned(f, args...))>)
        co_return co_await invoke_owned(f, args...);
    else
        co_return invoke_owned(f, args...);
}

}  // namespace detail

/// A task that runs `f(args…)` in the awaiting task, that is, at its home; if `f` is a coroutine function, the task
/// that `f` returns. It owns `f`, captures and all, and decayed copies of `args` until that has ended, so a lambda
/// coroutine with captures is safe here.
///
/// @return a lazy task with the decayed result
/// @throws the exception of `f`; std::range_error immediately if an integer does not fit its parameter.
///
/// Stop: inherited. Resumes: at home.
template <class F, class... Args>
    requires detail::callable_at_home<std::decay_t<F>, std::decay_t<Args>...>
[[nodiscard]] auto call(F&& f, Args&&... args) {
    if constexpr (requires { typename detail::decayed_parameters_t<F>; })
        detail::require_fitting<detail::decayed_parameters_t<F>>(args...);
    return detail::run_call<std::decay_t<F>, std::decay_t<Args>...>(std::forward<F>(f), std::forward<Args>(args)...);
}

CADRE_REFUSE_OTHERS(call, "cadre::call(f, args...) takes a function and arguments with which it can be called; of a "
                          "function that is overloaded or a template, pass a lambda that calls it");

}  // namespace cadre
