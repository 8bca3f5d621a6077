/// @file
/// `run_blocking`: a blocking call on a helper thread, so that no worker waits for it.
///
///     std::string line = co_await cadre::run_blocking(read_line_from_terminal);
#pragma once

#include <type_traits>
#include <utility>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/call/local_call.hpp>
#include <cadre/detail/call/packaged_call.hpp>
#include <cadre/executor.hpp>
#include <cadre/on.hpp>

namespace cadre {

namespace detail {

/// The helper threads of this process: started on demand, ended after five idle seconds.
[[nodiscard]] const executor& blocking_executor();

}  // namespace detail

/// Calls `f(args…)` on a helper thread of this process. At most 512 such calls run at the same time; further
/// ones are queued.
///
/// @param f  any plain callable, with any movable arguments
/// @return a lazy task with the decayed result of `f`
/// @throws the exception of `f`.
///
/// Stop: a blocking call is not interrupted, but can poll `stop_requested()`; a call that has not begun ends with
/// `cancelled`. Resumes: at home.
template <class F, class... Args>
[[nodiscard]] auto run_blocking(F&& f, Args&&... args) {
    constexpr bool loses = detail::any_loses_changes<typename detail::declared_parameters<std::decay_t<F>>::type>;
    static_assert(!loses,
                  "cadre::run_blocking: the function takes a reference that is not const, but gets a copy, so its "
                  "changes would be lost; let a lambda capture the object by reference, or return the result");
    using checked = std::conditional_t<loses, detail::accepted, detail::local_call_check<F, Args...>>;
#include <cadre/detail/codec/refusals.def>
    if constexpr (detail::accepts<checked> && !loses) {
        using bound = detail::packaged_call_for<F, Args...>;
        static_assert(!bound::coroutine, "run_blocking takes a plain function; co_await a coroutine instead");
        return detail::run_on_local(detail::blocking_executor(),
                                    bound(std::in_place, std::forward<F>(f), std::forward<Args>(args)...));
    } else {
        return task<typename detail::call_result_of<F, Args...>::type>();
    }
}

CADRE_REFUSE_OTHERS(run_blocking, "cadre::run_blocking(f, args...) takes a function and its arguments; of a function "
                                  "that is overloaded or a template, pass a lambda that calls it");

}  // namespace cadre
