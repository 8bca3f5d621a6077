/// @file
/// The registry of kinds, beyond its public functions.
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
    executor_factory make{};
    /// Checks the options without making an executor; null for kinds whose options only their factory knows.
    void (*check)(const executor_config&) = nullptr;
    /// Checks the options against this machine and this process; null if they do not depend on them. A file that
    /// several machines share may name executors that one of them cannot make.
    void (*check_here)(const executor_config&) = nullptr;
    /// Whether only a start can show that such an executor can be made, because it needs a launcher or a broker: a
    /// `runtime` then makes it at once and reports the error.
    bool checked_by_start = false;
    /// Why this build cannot make such an executor; null if it can. Such a kind may be named in a file that several
    /// builds share; it is not listed among the kinds.
    const char* missing = nullptr;
    /// Called first by the first `runtime` of a process, with the command line, before any thread exists. Need not
    /// return: a process may turn out to be a worker.
    void (*start_up)(int argc, char** argv) = nullptr;
    /// Called for an executor of this kind in the configuration, before it is made. Does not return in a process that a
    /// launcher has started to serve the program.
    void (*serve)(const executor_config&) = nullptr;
    /// Called last by the destructor of a `runtime`, when its executors have shut down.
    void (*tear_down)() = nullptr;
};

/// Adds a kind. @throws config_error if the name is malformed or taken
void add_kind(std::string_view name, kind_entry entry);

/// Calls `add` for each built-in kind. The registry calls it before its first use, so that the linker keeps the kinds
/// of a static library.
void add_builtin_kinds(void (*add)(std::string_view name, kind_entry entry));

/// Calls the `start_up` of each kind, once a process. Not before `main`.
void start_kinds(int argc, char** argv);
[[nodiscard]] bool kinds_started() noexcept;
/// Calls the `serve` of its kind, if it has one.
void serve_kind(const executor_config& c);
/// Calls the `tear_down` of each kind.
void finish_kinds();

/// The kinds that this build can make, sorted.
[[nodiscard]] std::vector<std::string> all_kinds();
/// Whether the kind is known; `check_can_be_made` refuses those that this build lacks.
[[nodiscard]] bool is_kind(std::string_view name);
/// Whether `check_options` knows the options of the kind.
[[nodiscard]] bool has_check(std::string_view name);

/// @throws config_error if `c.kind` is not known; the message lists the known kinds
void check_kind(const executor_config& c);
/// @throws config_error if an option does not fit the kind, as far as that is known without making an executor
void check_options(const executor_config& c);
/// Like `check_options`; also refuses kinds that this build lacks and options that this machine cannot honour.
void check_can_be_made(const executor_config& c);
/// Whether `check_can_be_made` cannot be certain: an executor of this kind may still be refused when it is made.
[[nodiscard]] bool only_factory_can_check(const executor_config& c);

}  // namespace cadre::detail
