/// @file
/// A process executor for a host of a larger executor.
#pragma once

#include <cadre/executor.hpp>
#include <cadre/executors/process_options.hpp>

namespace cadre::detail {

/// Like `make_process_executor`. Its workers decode handles with `identity` to their own executor. @throws config_error
[[nodiscard]] executor make_process_pool(const process_options& options, const executor_identity& identity);

}  // namespace cadre::detail
