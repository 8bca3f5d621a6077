/// @file
/// What the registry of kinds knows beyond the public functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <cadre/config.hpp>
#include <cadre/executor_registry.hpp>

namespace cadre::detail {

/// A kind of executor.
struct kind_entry {
    executor_factory make;
    /// Checks the options without making anything; empty for kinds whose options only their factory knows.
    void (*check)(const executor_config&) = nullptr;
    /// Why this build cannot make one; null: it can.
    const char* missing = nullptr;
};

/// Adds a kind. @throws config_error if the name is bad or taken
void add_kind(std::string_view name, kind_entry entry);

/// Registers serial, thread, process and mpi; called by the registry before its first use, so that no linker can
/// drop it.
void add_builtin_kinds(void (*add)(std::string_view name, kind_entry entry));

/// Sorted.
[[nodiscard]] std::vector<std::string> all_kinds();
[[nodiscard]] bool is_kind(std::string_view name);

/// @throws config_error if `c.kind` is not known, with the kinds that are
void check_kind(const executor_config& c);
/// @throws config_error if an option does not fit the kind, as far as that is known without making one
void check_options(const executor_config& c);
/// What `check_options` does and, for kinds that this build lacks, the error that says so.
/// @return whether the options were checked completely; else only the factory can tell
bool check_can_be_made(const executor_config& c);

}  // namespace cadre::detail
