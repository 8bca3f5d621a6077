/// @file
/// An observation as a table of text.
#pragma once

#include "runtime/observation.hpp"

#include <string>

namespace cadre::top {

/// @param before an earlier observation, for rates; null: there is none
[[nodiscard]] std::string table(const detail::observation::program& now, const detail::observation::program* before);

}  // namespace cadre::top
