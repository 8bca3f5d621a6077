/// @file
/// `reduce`: a parallel map-reduce.
///
///     auto words = co_await cadre::reduce(ex, count_words, std::plus<>{}, files, 0L);
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include <cadre/map.hpp>

namespace cadre {

namespace detail {

template <class V, class Op, class T>
task<T> fold(task<std::vector<V>> values, Op op, T init) {
    auto all = co_await std::move(values);
    for (auto& v : all)
        init = std::invoke(op, std::move(init), std::move(v));
    co_return init;
}

}  // namespace detail

/// Applies `f` to every item on `ex` and combines the results with `op`, which must be associative, beginning with `init`,
/// in input order. `op` runs at home. Errors, stop: like `map`. Resumes: at home.
template <class F, class Op, class Range, class T>
[[nodiscard]] task<T> reduce(executor ex, F&& f, Op op, Range&& range, T init, map_options options = {}) {
    using value = detail::map_value<F, Range>;
    static_assert(std::is_invocable_r_v<T, Op&, T, value>, "reduce: op must take (accumulated value, result of f) and "
                                                           "return the new accumulated value");
    return detail::fold<value>(map(std::move(ex), std::forward<F>(f), std::forward<Range>(range), options),
                               std::move(op), std::move(init));
}

}  // namespace cadre
