/// @file
/// The worker's side of `reduce`: applies the function to a chunk of items and combines the results.
#pragma once

#include <cstddef>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include <cadre/bind_portable.hpp>
#include <cadre/detail/call/map_item.hpp>
#include <cadre/detail/codec/call_name.hpp>
#include <cadre/errors.hpp>
#include <cadre/stop.hpp>
#include <cadre/task.hpp>

namespace cadre::detail {

/// `items` is not empty. A stop request ends the chunk between two items.
template <class T, class F, class Op, class Item>
T reduce_chunk(const F& f, Op& op, std::vector<Item> items) {
    const auto apply = [&f](auto&& item) -> T {
        return static_cast<T>(item_call<F, Item>::bind(f, static_cast<Item&&>(item))());
    };
    auto at = items.begin();
    T combined = apply(*at);
    while (++at != items.end()) {
        if (stop_requested()) throw cancelled{};
        combined = std::invoke(op, std::move(combined), apply(*at));
    }
    return combined;
}

/// The same for a coroutine function.
template <class T, class F, class Op, class Item>
task<T> reduce_chunk_tasks(const F& f, Op& op, std::vector<Item> items) {
    auto at = items.begin();
    auto first = item_call<F, Item>::bind(f, static_cast<Item&&>(*at));
    T combined = static_cast<T>(co_await first());
    while (++at != items.end()) {
        if (stop_requested()) throw cancelled{};
        auto next = item_call<F, Item>::bind(f, static_cast<Item&&>(*at));
        T value = static_cast<T>(co_await next());
        combined = std::invoke(op, std::move(combined), std::move(value));
    }
    co_return combined;
}

/// Applies and combines; stateless, so that only `F` and `Op` travel.
template <class T, class Item, class F, class Op>
struct chunk_reducer {
    static constexpr bool coroutine = item_bound<F, Item>::coroutine;

    std::conditional_t<coroutine, task<T>, T> operator()(const F& f, Op& op, std::vector<Item> items) const {
        if constexpr (coroutine)
            return reduce_chunk_tasks<T>(f, op, std::move(items));
        else
            return reduce_chunk<T>(f, op, std::move(items));
    }
};
// Errors name the user's function, whose encoding comes first: the reducer itself has none.
template <class T, class Item, class F, class Op>
struct callable_name<portable_binding<chunk_reducer<T, Item, F, Op>, F, Op>> : callable_name<F> {};

/// A portable callable that takes the items of a chunk and returns their combined value.
template <class T, class Item, class F, class Op>
using bound_reducer = portable_binding<chunk_reducer<T, Item, F, Op>, F, Op>;

}  // namespace cadre::detail
