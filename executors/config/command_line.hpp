/// @file
/// Settings of executors on the command line and in the environment.
#pragma once

#include <optional>
#include <string>

namespace cadre::detail {

/// The settings of one source.
struct settings {
    std::optional<std::string> executor{};
    std::optional<std::string> workers{};
    std::optional<std::string> config{};
};

/// Takes `--executor`, `--workers` and `--config`, as `--x=VALUE` or `--x VALUE`, out of `argc` and `argv`, up to `--`.
/// The last of several wins. `argv` stays null-terminated.
/// @throws config_error if a value is missing
[[nodiscard]] settings take_command_line(int& argc, char** argv);

/// `CADRE_EXECUTOR`, `CADRE_WORKERS` and `CADRE_CONFIG`; an empty variable counts as unset.
[[nodiscard]] settings from_environment();

}  // namespace cadre::detail
