/// @file
/// A compile-time error for a type that is not portable: one sentence, which says why and what to pass instead.
#pragma once

#include <cadre/detail/codec/portability_check.hpp>

namespace cadre::detail {

template <class T>
constexpr void require_portable() {
    using checked = portability_of<T>;
#include <cadre/detail/codec/refusals.def>
}

}  // namespace cadre::detail
