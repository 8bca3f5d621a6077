/// @file
/// The registry of executor kinds that `--executor`, the configuration file and `make_executor` use.
///
///     cadre::register_executor_kind("tbb", [](const cadre::executor_config& c) {
///         return cadre::executor{std::make_shared<tbb_backend>(c.workers().value_or(4))};
///     });
///     cadre::runtime rt(argc, argv);    // --executor=tbb:4 and kind = "tbb" work from here on
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <cadre/config.hpp>
#include <cadre/executor.hpp>

namespace cadre {

/// Makes an executor from its configuration. The count of a spec such as `mine:4` arrives as the option `workers`.
using executor_factory = std::function<executor(const executor_config&)>;

/// Adds a kind. Call it before the construction of the `runtime`. Thread-safe.
/// @param name letters, digits, `_` and `-`, beginning with a letter
/// @throws config_error if the name is malformed or taken, or the factory is empty
void register_executor_kind(std::string_view name, executor_factory factory);

/// The built-in kinds of this build and the registered kinds, sorted. Thread-safe.
[[nodiscard]] std::vector<std::string> executor_kinds();

}  // namespace cadre
