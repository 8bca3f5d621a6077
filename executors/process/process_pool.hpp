/// @file
/// A process executor for a host of a larger executor.
#pragma once

#include "common/pool_role.hpp"

#include <cadre/executor.hpp>
#include <cadre/executors/process_options.hpp>

namespace cadre::detail {

/// Like `make_process_executor`. @throws config_error
[[nodiscard]] executor make_process_pool(const process_options& options, pool_role role);

}  // namespace cadre::detail
