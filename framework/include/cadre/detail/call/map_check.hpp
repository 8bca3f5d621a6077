/// @file
/// Whether a map is accepted: the function, its parameters, the items and the result.
#pragma once

#include <type_traits>

#include <cadre/detail/call/call_check.hpp>
#include <cadre/detail/call/map_input.hpp>
#include <cadre/detail/call/map_item.hpp>
#include <cadre/detail/call/shared_function.hpp>
#include <cadre/executor.hpp>

namespace cadre::detail {

/// A map of `F` over items of the type `Item`. `Portable`: the calls may run in another process.
template <bool Portable, class F, class Item>
consteval auto check_map() {
    using function = std::decay_t<F>;
    if constexpr (awaitable<function> || coroutine_object<function>) {
        return portability<portability_reason::coroutine_given, function>{};
    } else if constexpr (!maps_over<function, Item>) {
        if constexpr (Portable && portability_of<function>::reason != portability_reason::none)
            return portability_of<function>{};
        else
            return portability<portability_reason::not_applicable, function>{};
    } else {
        using bound = item_bound<function, Item>;
        if constexpr (Portable)
            return check_portable<typename bound::function, typename bound::arguments>();
        else if constexpr (!shares_function<function, Item> && !std::is_copy_constructible_v<function>)
            return portability<portability_reason::not_callable, const function>{};
        else
            return check_result<typename bound::function, typename bound::arguments>();
    }
}

/// A map of `F` over the items of a range.
template <bool Portable, class F, class Range>
consteval auto check_range() {
    using item = item_of<Range>;
    using checked = decltype(check_map<Portable, F, item>());
    if constexpr (checked::reason == portability_reason::none && !gives_items<Range>)
        return portability<portability_reason::not_copyable_items, item>{};
    else
        return checked{};
}

template <bool Portable, class F, class Range>
using range_check = decltype(check_range<Portable, F, Range>());

/// The executor argument of the map functions: a handle, or an executor of a kind that is known at compile time.
template <class E>
concept map_executor = std::is_convertible_v<E, executor>;
/// Whether the calls through it may run in another process.
template <class E>
inline constexpr bool may_be_remote = !std::is_base_of_v<local_executor, std::remove_cvref_t<E>>;

}  // namespace cadre::detail
