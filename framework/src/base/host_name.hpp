/// @file
/// The name of this host, as other hosts and the user know it.
#pragma once

#include <string>

namespace cadre::detail {

/// Not empty, at most 255 characters. Thread-safe.
[[nodiscard]] std::string host_name();

}  // namespace cadre::detail
