/// @file
/// Integers from which an aggregate is made: one that does not fit its member is refused, not truncated.
#pragma once

#include <tuple>
#include <type_traits>

#include <cadre/detail/codec/convert_argument.hpp>
#include <cadre/detail/codec/fields.hpp>

namespace cadre::detail {

/// Checks the arguments from which a `T` is made. Nothing unless `T` is an aggregate. @throws std::range_error
template <class T, class... Args>
constexpr void require_fitting_members(const Args&... args) {
    if constexpr (std::is_class_v<T> && std::is_aggregate_v<T> && (plain_integer<Args> || ...)) {
        if constexpr (fields_problem_of<T> == fields_problem::none)
            [&]<class... Members>(type_list<Members...>) {
                require_fitting<std::tuple<Members...>>(args...);
            }(field_types<T>{});
    }
}

}  // namespace cadre::detail
