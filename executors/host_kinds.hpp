/// @file
/// The built-in kinds whose calls run on other hosts.
#pragma once

#include "config/kinds.hpp"

namespace cadre::detail {

[[nodiscard]] kind_entry mpi_kind();
[[nodiscard]] kind_entry cluster_kind();
/// Runs an agent and does not return if `--cadre-agent` is among the arguments.
void run_cluster_agent_if_requested(int argc, char** argv);

}  // namespace cadre::detail
