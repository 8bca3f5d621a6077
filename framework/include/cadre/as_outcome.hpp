/// @file
/// `as_outcome`: the value or the error of an awaitable, as an `outcome`.
///
///     auto o = co_await cadre::as_outcome(cadre::on(ex, count_words, file));
#pragma once

#include <utility>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/coroutine/awaitable.hpp>
#include <cadre/outcome.hpp>
#include <cadre/task.hpp>

namespace cadre {

/// Awaits `a` and completes with its value or its error as an `outcome`.
///
/// Stop: passed on to `a`; its exception (`cancelled`) becomes the error. Resumes: at home.
template <awaitable A>
[[nodiscard]] auto as_outcome(A a) -> task<outcome<std::decay_t<await_result_t<A>>>> {
    using value = std::decay_t<await_result_t<A>>;
    std::exception_ptr error;
    try {
        if constexpr (std::is_void_v<value>) {
            co_await std::move(a);
            co_return outcome<value>{};
        } else {
            co_return outcome<value>{co_await std::move(a)};
        }
    } catch (...) {
        error = std::current_exception();
    }
    co_return outcome<value>{std::move(error)};
}

CADRE_REFUSE_OTHERS(as_outcome, "cadre::as_outcome(awaitable) takes something that can be awaited, as a task");

}  // namespace cadre
