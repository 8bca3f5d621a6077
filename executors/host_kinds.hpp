/// @file
/// The built-in kinds whose calls run on other hosts.
#pragma once

#include "config/kinds.hpp"

namespace cadre::detail {

[[nodiscard]] kind_entry mpi_kind();
[[nodiscard]] kind_entry cluster_kind();
/// Serves as an agent if `--cadre-agent` is among the arguments; then it does not return.
void serve_cluster_if_asked(int argc, char** argv);

}  // namespace cadre::detail
