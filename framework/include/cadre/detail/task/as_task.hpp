/// @file
/// Converts any awaitable to a task: combinators work on tasks only. An empty task is refused here.
#pragma once

#include <utility>

#include <cadre/detail/coroutine/awaitable.hpp>
#include <cadre/task.hpp>

namespace cadre::detail {

template <class T>
[[nodiscard]] task<T> as_task(task<T> t) {
    require_coroutine(t);
    return t;
}

template <awaitable A>
[[nodiscard]] task<await_result_t<A>> as_task(A a) {
    co_return co_await std::move(a);
}

}  // namespace cadre::detail
