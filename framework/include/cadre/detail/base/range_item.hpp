/// @file
/// The elements of ranges as values.
#pragma once

#include <tuple>
#include <type_traits>
#include <utility>

namespace cadre::detail {

template <class>
inline constexpr bool is_spreadable = false;
template <class... Ts>
inline constexpr bool is_spreadable<std::tuple<Ts...>> = true;
template <class A, class B>
inline constexpr bool is_spreadable<std::pair<A, B>> = true;

/// Copies or moves what an iterator refers to into an item. Tuples of references, such as range-v3's, convert to a
/// tuple in two ways, about which g++ warns: they are converted element by element.
template <class Item, class Reference>
[[nodiscard]] Item make_item(Reference&& given) {
    if constexpr (is_spreadable<Item> && !std::is_same_v<std::remove_cvref_t<Reference>, Item> &&
                  requires { std::tuple_size<std::remove_cvref_t<Reference>>::value; })
        return std::apply([](auto&&... parts) { return Item(std::forward<decltype(parts)>(parts)...); },
                          std::forward<Reference>(given));
    else
        return Item(std::forward<Reference>(given));
}

}  // namespace cadre::detail
