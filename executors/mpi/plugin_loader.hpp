/// @file
/// Finds and loads the plugin for the MPI library whose launcher started this process.
#pragma once

#include "mpi/mpi_launch.hpp"
#include "mpi/plugin/mpi_plugin.hpp"

namespace cadre::detail::mpi {

/// Loads the plugin, or the file or kind that CADRE_MPI_PLUGIN names. It stays loaded: MPI libraries do not survive their unloading.
/// @throws config_error with one line that says what to do; `what()` is empty if another rank reports the same. Such a rank should
/// exit with status 0: the launcher ends the job when a process fails, which may be before the other one has reported.
[[nodiscard]] const cadre_mpi_functions& load_plugin();

/// The same refusals as far as the build and the environment decide them, without loading anything.
/// @return the launch, which is one that this build can serve
[[nodiscard]] launch check_launch();

}  // namespace cadre::detail::mpi
