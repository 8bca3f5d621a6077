/// @file
/// The built-in kinds whose calls run on other hosts.
#pragma once

#include "config/kinds.hpp"

namespace cadre::detail {

[[nodiscard]] kind_entry mpi_kind();

}  // namespace cadre::detail
