/// @file
/// Settings of executors on the command line and in the environment.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace cadre::detail {

/// `--executor.NAME=SPEC` or `CADRE_EXECUTOR_NAME=SPEC`.
struct named_spec {
    std::string origin;  ///< `--executor.NAME` or `CADRE_EXECUTOR_NAME`
    std::string name;
    std::string spec;
};

/// The settings of one source.
struct settings {
    std::optional<std::string> executor{};
    std::optional<std::string> workers{};
    std::optional<std::string> config{};
    std::optional<std::string> trace{};
    std::vector<named_spec> named{};  ///< in order; the last of several for one name wins
};

/// Takes `--executor`, `--executor.NAME`, `--workers`, `--config` and `--trace`, as `--x=VALUE` or `--x VALUE`, out of
/// `argc` and `argv`, up to `--`. The last of several wins. `argv` stays null-terminated.
/// @throws config_error if a value is missing
[[nodiscard]] settings take_command_line(int& argc, char** argv);

/// `CADRE_EXECUTOR`, `CADRE_EXECUTOR_NAME`, `CADRE_WORKERS`, `CADRE_CONFIG` and `CADRE_TRACE`; an empty variable counts
/// as unset.
[[nodiscard]] settings from_environment();

}  // namespace cadre::detail
