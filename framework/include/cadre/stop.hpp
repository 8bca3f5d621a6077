/// @file
/// Stop requests: `with_stop`, `shield`, `stop_requested`.
///
///     while (!cadre::stop_requested()) crunch_a_little();
#pragma once

#include <stop_token>
#include <utility>

#include <cadre/detail/base/late_object.hpp>
#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/task/as_task.hpp>
#include <cadre/detail/task/stop_override.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

/// A stop state below the awaiting task's that also follows a `std::stop_token`.
class token_stop {
public:
    explicit token_stop(std::stop_token token) noexcept : token_(std::move(token)) {}
    token_stop(token_stop&& o) noexcept : token_(std::move(o.token_)) {}  // moved only before it is used
    token_stop& operator=(token_stop&&) = delete;
    ~token_stop() = default;

    [[nodiscard]] stop_state& begin(const environment& parent) {
        stop_.adopt(parent.stop);
        callback_.emplace(token_, forward{&stop_});
        return stop_;
    }
    void end(const environment& /*parent*/, promise_base& /*ended*/) noexcept { callback_.reset(); }

private:
    struct forward {
        stop_state* to;
        void operator()() const noexcept { to->request_stop(); }
    };
    std::stop_token token_;
    stop_state stop_;
    late_object<std::stop_callback<forward>> callback_;
};

/// A stop state whose stop is never requested; dumps list its waits with those of the awaiting task.
class no_stop {
public:
    no_stop() noexcept = default;
    no_stop(no_stop&&) noexcept {}  // moved only before it is used
    no_stop& operator=(no_stop&&) = delete;
    ~no_stop() = default;

    [[nodiscard]] stop_state& begin(const environment& parent) noexcept {
        stop_.list_below(parent.stop);
        return stop_;
    }
    void end(const environment& /*parent*/, promise_base& /*ended*/) noexcept {}

private:
    stop_state stop_;
};

}  // namespace detail

/// Awaits `a` under `token` as well as under the inherited stop state: a request through `token` and one to the
/// awaiting task both reach it. Resumes at home.
template <awaitable A>
[[nodiscard]] auto with_stop(std::stop_token token, A a) {
    return detail::stop_override<await_result_t<A>, detail::token_stop>(detail::as_task(std::move(a)),
                                                                        detail::token_stop(std::move(token)));
}

/// Awaits `a` without passing stop requests on: it completes even if stop is requested. Resumes at home.
template <awaitable A>
[[nodiscard]] auto shield(A a) {
    return detail::stop_override<await_result_t<A>, detail::no_stop>(detail::as_task(std::move(a)), detail::no_stop());
}

/// Whether stop was requested of the task that runs on this thread; for loops in ordinary functions, also in worker
/// processes. False outside tasks.
[[nodiscard]] bool stop_requested() noexcept;

CADRE_REFUSE_OTHERS(
    with_stop,
    "cadre::with_stop(token, awaitable) takes a std::stop_token and something that can be awaited, as a task");
CADRE_REFUSE_OTHERS(shield, "cadre::shield(awaitable) takes something that can be awaited, as a task");

}  // namespace cadre
