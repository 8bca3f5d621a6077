/// @file
/// Finds and loads the plugin for the MPI library whose launcher started this process.
#pragma once

#include "mpi/mpi_launch.hpp"
#include "mpi/plugin/mpi_plugin.hpp"

namespace cadre::detail::mpi {

/// Loads the plugin, or the file or kind that CADRE_MPI_PLUGIN names. It stays loaded: MPI libraries do not survive
/// their unloading.
/// @throws config_error with one line that names the remedy; `what()` is empty if another rank reports the same error.
/// This rank should then exit with status 0: the launcher ends the job when a process fails, perhaps before the other
/// rank has printed.
[[nodiscard]] const cadre_mpi_functions& load_plugin();

/// Performs the checks of `load_plugin` that need only the build and the environment, without loading anything.
/// @return the launch, which this build supports
[[nodiscard]] launch check_launch();

}  // namespace cadre::detail::mpi
