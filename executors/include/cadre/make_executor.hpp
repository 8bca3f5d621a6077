/// @file
/// Makes an executor from a spec or a configuration.
///
///     cadre::executor ex = cadre::make_executor("process:3");
#pragma once

#include <string_view>

#include <cadre/config.hpp>
#include <cadre/executor.hpp>

namespace cadre {

/// Makes an executor from a spec `KIND` or `KIND:WORKERS`, such as `serial`, `thread:8` or `process:3`. Thread-safe.
/// @throws config_error if the kind is unknown or not part of this build, or the count is not a positive whole number
[[nodiscard]] executor make_executor(std::string_view spec);

/// Makes the executor that `c` describes. Thread-safe.
/// @throws config_error if the kind is unknown or not part of this build, or does not accept an option
[[nodiscard]] executor make_executor(const executor_config& c);

}  // namespace cadre
