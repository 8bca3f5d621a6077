/// @file
/// Whether a map is accepted: the function, its parameters, the items and the result.
#pragma once

#include <type_traits>

#include <cadre/detail/call/call_verdict.hpp>
#include <cadre/detail/call/map_input.hpp>
#include <cadre/detail/call/map_item.hpp>

namespace cadre::detail {

/// A map of `F` over items of the type `Item`.
template <class F, class Item>
consteval auto check_map() {
    using function = std::decay_t<F>;
    if constexpr (awaitable<function> || coroutine_object<function>) {
        return portability<portability_reason::coroutine_given, function>{};
    } else if constexpr (!maps_over<function, Item>) {
        if constexpr (portability_of<function>::reason != portability_reason::none)
            return portability_of<function>{};
        else
            return portability<portability_reason::not_applicable, function>{};
    } else {
        using bound = item_bound<function, Item>;
        return check_portable<typename bound::function, typename bound::arguments>();
    }
}

/// A map of `F` over the items of a range.
template <class F, class Range>
consteval auto check_range() {
    using item = item_of<Range>;
    using verdict = decltype(check_map<F, item>());
    if constexpr (verdict::reason == portability_reason::none && !is_spreadable<item> &&
                  !std::is_constructible_v<item, read_from<Range>>)
        return portability<portability_reason::not_copyable_items, item>{};
    else
        return verdict{};
}

template <class F, class Range>
using range_verdict = decltype(check_range<F, Range>());

}  // namespace cadre::detail
