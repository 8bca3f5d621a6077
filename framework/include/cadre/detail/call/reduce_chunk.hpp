/// @file
/// The worker's side of `reduce`: applies the function to a chunk of items and combines the results.
#pragma once

#include <cstddef>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include <cadre/bind_portable.hpp>
#include <cadre/detail/call/call_errors.hpp>
#include <cadre/detail/call/map_item.hpp>
#include <cadre/detail/call/reduced_value.hpp>
#include <cadre/detail/codec/call_name.hpp>
#include <cadre/detail/coroutine/frame_pool.hpp>
#include <cadre/errors.hpp>
#include <cadre/stop.hpp>
#include <cadre/task.hpp>

namespace cadre::detail {

/// `items` is not empty; `first` is the index of the first one in the input. A stop request ends the chunk between two
/// items.
template <class T, class F, class Op, class Item>
T reduce_chunk(const F& f, Op& op, std::size_t first, std::vector<Item> items) {
    std::size_t i = 0;
    const auto apply = [&]() -> T { return reduced<T>(item_call<F, Item>::bind(f, static_cast<Item&&>(items[i]))()); };
    try {
        T combined = apply();
        while (++i != items.size()) {
            if (stop_requested()) throw cancelled{};
            combined = reduced<T>(std::invoke(op, std::move(combined), apply()));
        }
        return combined;
    } catch (...) {
        rethrow_at_item(first + i);
    }
}

/// The same for a coroutine function.
template <class T, class F, class Op, class Item>
task<T> reduce_chunk_tasks(const F& f, Op& op, std::size_t first, std::vector<Item> items,
                           frame_for<item_bound<F, Item>> /*locals*/ = {}) {
    std::size_t i = 0;
    try {
        auto begin = item_call<F, Item>::bind(f, static_cast<Item&&>(items[i]));
        T combined = reduced<T>(co_await begin());
        while (++i != items.size()) {
            if (stop_requested()) throw cancelled{};
            auto next = item_call<F, Item>::bind(f, static_cast<Item&&>(items[i]));
            T value = reduced<T>(co_await next());
            combined = reduced<T>(std::invoke(op, std::move(combined), std::move(value)));
        }
        co_return combined;
    } catch (...) {
        rethrow_at_item(first + i);
    }
}

/// Applies and combines; stateless, so that only `F` and `Op` travel.
template <class T, class Item, class F, class Op>
struct chunk_reducer {
    static constexpr bool coroutine = item_bound<F, Item>::coroutine;

    std::conditional_t<coroutine, task<T>, T> operator()(const F& f, Op& op, std::size_t first,
                                                         std::vector<Item> items) const {
        if constexpr (coroutine)
            return reduce_chunk_tasks<T>(f, op, first, std::move(items));
        else
            return reduce_chunk<T>(f, op, first, std::move(items));
    }
};
// Errors name the user's function, which is encoded first: the reducer itself has no name.
template <class T, class Item, class F, class Op>
struct callable_name<portable_binding<chunk_reducer<T, Item, F, Op>, F, Op>> : callable_name<F> {};
template <class T, class Item, class F, class Op>
struct callable_access<portable_binding<chunk_reducer<T, Item, F, Op>, F, Op>> {
    [[nodiscard]] static callable_ref of(const portable_binding<chunk_reducer<T, Item, F, Op>, F, Op>& f) noexcept {
        return callable_of(std::get<0>(f.bound_));
    }
};

/// A portable callable that takes the index of the first item and the items of a chunk, and returns their combined
/// value.
template <class T, class Item, class F, class Op>
using bound_reducer = portable_binding<chunk_reducer<T, Item, F, Op>, F, Op>;

}  // namespace cadre::detail
