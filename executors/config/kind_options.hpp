/// @file
/// Conversion of a table of options to the option struct of a built-in kind.
#pragma once

#include <cadre/config.hpp>
#include <cadre/executors/cluster.hpp>
#include <cadre/executors/mpi.hpp>
#include <cadre/executors/process_options.hpp>
#include <cadre/executors/serial_options.hpp>
#include <cadre/executors/thread_options.hpp>

namespace cadre::detail {

// Each throws config_error if an option is unknown to the kind, of a wrong type or out of range. `name` in the result
// refers to `c`.
serial_options to_serial_options(const executor_config& c);
thread_options to_thread_options(const executor_config& c);
process_options to_process_options(const executor_config& c);
mpi_options to_mpi_options(const executor_config& c);
cluster_options to_cluster_options(const executor_config& c);

/// @throws config_error if the options, which are valid, ask for what this machine or this process does not have: CPUs,
/// or less memory than a worker needs to start
void check_thread_options_here(const executor_config& c);
void check_process_options_here(const executor_config& c);

}  // namespace cadre::detail
