/// @file
/// The values that a `reduce` combines, as the type of its result.
#pragma once

#include <utility>

#include <cadre/detail/codec/convert_argument.hpp>

namespace cadre::detail {

/// A value of the function or of the operation as a `T`. @throws std::range_error if it is an integer that does not fit
template <class T, class V>
[[nodiscard]] T reduced(V&& value) {
    return static_cast<T>(fitting_value<T, V>(std::forward<V>(value), "the type of init of a reduce"));
}

}  // namespace cadre::detail
