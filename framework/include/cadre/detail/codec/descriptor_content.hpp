/// @file
/// Whether the values of a portable type contain file descriptors.
#pragma once

#include <algorithm>
#include <type_traits>

#include <cadre/detail/codec/element_types.hpp>
#include <cadre/detail/codec/fields.hpp>
#include <cadre/detail/codec/portable_kinds.hpp>
#include <cadre/unique_fd.hpp>

namespace cadre::detail {

/// `unknown`: a class with `serialize` does not show its members.
enum class descriptor_content { none, unknown, some };

template <class T, class... Seen>
consteval descriptor_content find_descriptors(type_list<Seen...> seen);

template <class... Ts, class... Seen>
consteval descriptor_content find_descriptors_among(type_list<Ts...>, [[maybe_unused]] type_list<Seen...> seen) {
    return std::max({descriptor_content::none, find_descriptors<Ts>(seen)...});
}

/// `Seen` lists the enclosing classes: a recursive type ends there.
template <class CvT, class... Seen>
consteval descriptor_content find_descriptors(type_list<Seen...>) {
    using T = std::remove_cv_t<CvT>;
    using seen = type_list<Seen..., T>;
    if constexpr (std::is_same_v<T, unique_fd>)
        return descriptor_content::some;
    else if constexpr (!std::is_class_v<T> || portable_handle<T> || (std::is_same_v<T, Seen> || ...))
        return descriptor_content::none;
    else if constexpr (has_element_types<T>)
        return find_descriptors_among(typename element_types_of<T>::type{}, seen{});
    else if constexpr (unique_pointer<T>::value)
        return find_descriptors<typename unique_pointer<T>::element>(seen{});
    else if constexpr (has_serialize<T>)
        return descriptor_content::unknown;
    else if constexpr (std::is_empty_v<T> || !std::is_aggregate_v<T>)
        return descriptor_content::none;
    else if constexpr (fields_problem_of<T> != fields_problem::none)
        return descriptor_content::none;  // not portable: such a value does not leave the process
    else
        return find_descriptors_among(field_types<T>{}, seen{});
}

template <class T>
inline constexpr descriptor_content descriptors_in = find_descriptors<T>(type_list<>{});
template <>
inline constexpr descriptor_content descriptors_in<void> = descriptor_content::none;

template <class T>
concept may_carry_descriptors = descriptors_in<T> != descriptor_content::none;

}  // namespace cadre::detail
