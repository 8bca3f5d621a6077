/// @file
/// `retry`: call a function again while it throws.
///
///     auto page = co_await cadre::retry({.attempts = 5, .delay = 50ms}, fetch, url);
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

#include <cadre/call.hpp>
#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/coroutine/awaitable.hpp>
#include <cadre/sleep.hpp>
#include <cadre/task.hpp>

namespace cadre {

/// How often `retry` calls, and how long it waits in between: `delay`, then `factor` times as long each time, up to
/// `max_delay`. Each wait is longer or shorter by a random part of at most `jitter`, so that callers that failed
/// together do not retry together.
struct retry_policy {
    int attempts = 3;  ///< calls, the first one included; at least 1
    std::chrono::nanoseconds delay = std::chrono::milliseconds(10);
    double factor = 2.0;  ///< at least 1
    std::chrono::nanoseconds max_delay = std::chrono::seconds(1);
    double jitter = 0.2;  ///< 0 to 1
};
static_assert(std::is_trivially_destructible_v<retry_policy>);

namespace detail {

/// @throws std::invalid_argument
void check_retry_policy(const retry_policy& policy);
/// The wait after `failures` failed calls, with its random part.
[[nodiscard]] std::chrono::nanoseconds retry_delay(const retry_policy& policy, int failures);
/// Whether a call that ended with the exception that is handled now is made again; else rethrows it.
void require_another_attempt(const retry_policy& policy, int failures);

/// Every call gets the same arguments, so they are not moved.
template <class F, class... Args>
using retry_result = typename call_result<std::invoke_result_t<F&, Args&...>>::type;

template <class F, class... Args>
task<retry_result<F, Args...>> run_retry(retry_policy policy, F f, Args... args) {
    for (int failures = 0;;) {
        try {
            if constexpr (awaitable<std::invoke_result_t<F&, Args&...>>)
                co_return co_await std::invoke(f, args...);
            else
                co_return std::invoke(f, args...);
        } catch (...) {
            require_another_attempt(policy, ++failures);
        }
        co_await sleep_for(retry_delay(policy, failures));
    }
}

}  // namespace detail

/// Calls `f(args…)` at home, and again while it throws, up to `policy.attempts` times. If the result is awaitable, such
/// as the `task` of a coroutine function, it is awaited, and its errors count. `f` and decayed copies of `args` are
/// owned until the end; each call gets the same objects, as lvalues.
///
/// @return a lazy task with the decayed result
/// @throws the error of the last call; `cancelled` from any call, which is never retried;
/// std::invalid_argument, from the call of `retry` itself, for an invalid policy.
///
/// Stop: inherited by the calls; a wait between them completes immediately with `cancelled`. Resumes: at home.
template <class F, class... Args>
    requires std::is_invocable_v<std::decay_t<F>&, std::decay_t<Args>&...>
[[nodiscard]] auto retry(const retry_policy& policy, F&& f, Args&&... args)
    -> task<detail::retry_result<std::decay_t<F>, std::decay_t<Args>...>> {
    detail::check_retry_policy(policy);
    return detail::run_retry<std::decay_t<F>, std::decay_t<Args>...>(policy, std::forward<F>(f),
                                                                     std::forward<Args>(args)...);
}

CADRE_REFUSE_OTHERS(retry,
                    "cadre::retry(policy, f, args...) takes a retry_policy, a function and arguments with which it can "
                    "be called again; of a function that is overloaded or a template, pass a lambda that calls it");

}  // namespace cadre
