/// @file
/// A compile-time error for a type that is not portable: one sentence with the reason and the alternative.
#pragma once

#include <cadre/detail/codec/portability_check.hpp>

namespace cadre::detail {

template <class T>
constexpr void require_portable() {
    using checked = portability_of<T>;
#include <cadre/detail/codec/refusals.def>
}

}  // namespace cadre::detail
