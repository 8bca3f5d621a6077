/// @file
/// The kinds of executors that `--executor`, the configuration file and `make_executor` know, and how to add one.
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

/// Makes an executor from its configuration. The count of a spec such as `mine:4` is its option `workers`.
using executor_factory = std::function<executor(const executor_config&)>;

/// Adds a kind. Call it before the `runtime` is made; from any thread.
/// @param name letters, digits, `_` and `-`, beginning with a letter
/// @throws config_error if the name is not such a name or is taken
void register_executor_kind(std::string_view name, executor_factory factory);

/// The kinds that are known, sorted: the built-in ones and those that were registered.
[[nodiscard]] std::vector<std::string> executor_kinds();

}  // namespace cadre
