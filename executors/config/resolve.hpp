/// @file
/// From command line, environment, file and code to the one configuration in force.
#pragma once

#include "config/command_line.hpp"

#include <optional>
#include <string>

#include <cadre/config.hpp>

namespace cadre::detail {

/// The configuration in force.
struct resolved_config {
    config all{};
    executor_config chosen{};  ///< of the default executor; its name is empty unless it is one of `all.executors`
    bool only_factory_can_check = false;  ///< whether only its factory can check the options of `chosen`
    /// `chosen` without the count of a source that is weaker than the choice of its kind, if only the factory knows
    /// whether the kind takes that count.
    std::optional<executor_config> without_weaker_count{};
    std::string trace_file{};  ///< of the trace that is to be recorded; empty: none
    std::string trace_origin{};  ///< prefix of error messages about it
};

/// Reads the configuration file and chooses the default executor and its number of workers, by precedence of the
/// sources. A count in a spec (`thread:8`) is as strong as the source of the spec, and yields to `--workers` of the
/// same source. A count, or an option of the file, that does not fit a kind chosen by a stronger source is ignored.
/// @throws config_error
[[nodiscard]] resolved_config resolve(const settings& command_line, const settings& environment);

/// The same for a configuration built in code; checks all of its executors.
/// @throws config_error
[[nodiscard]] resolved_config resolve(config c);

}  // namespace cadre::detail
