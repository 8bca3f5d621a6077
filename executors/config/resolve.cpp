#include "config/resolve.hpp"

#include "config/kinds.hpp"
#include "config/names.hpp"
#include "config/suggest.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace cadre::detail {
namespace {

// Sources, weakest first.
enum source : int { by_default, in_file, in_environment, on_command_line };

// The value of one source, and the prefix of its error messages.
struct setting {
    std::string text;
    std::string origin;
    source strength = by_default;
};

std::optional<setting> strongest(const std::optional<std::string>& command_line, const char* option,
                                 const std::optional<std::string>& environment, const char* variable) {
    if (command_line) return setting{*command_line, option, on_command_line};
    if (environment) return setting{*environment, variable, in_environment};
    return std::nullopt;
}

// A number of workers as the strongest source gives it: in a spec, or as a text.
struct worker_setting {
    source strength = by_default;
    const option_value* in_spec = nullptr;
    const setting* text = nullptr;

    [[nodiscard]] option_value count() const {
        return in_spec != nullptr ? *in_spec : parse_workers(text->text, text->origin);
    }
};

// The settings by `--executor.NAME` and `CADRE_EXECUTOR_NAME` that are in force.
struct override_of_name {
    source strength = in_file;
    std::optional<option_value> workers{};  // number of workers in the spec
};
using overrides = std::map<std::string, override_of_name, std::less<>>;

[[noreturn]] void fail_unknown(const config& c, const std::string& name, const std::string& origin) {
    const std::vector<std::string> kinds = all_kinds();
    std::vector<std::string> known;
    for (const auto& [executor, options] : c.executors)
        known.push_back(executor);
    const std::string named = known.empty() ? "" : "; named in the configuration: " + listed(known);
    known.insert(known.end(), kinds.begin(), kinds.end());
    fail_at(origin, "unknown executor kind '" + name + "'" + did_you_mean(name, known) + " (kinds: " + listed(kinds) +
                        named + ")");
}

// Lower case, `_` for `-`: variables of the environment are written in capitals by custom.
std::string folded(std::string_view name) {
    std::string result(name);
    for (char& c : result)
        c = c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return result;
}

// The executor of the file that the setting names; null if there is none.
const executor_config* find_named(const config& file, const named_spec& wanted, source strength) {
    const auto exact = file.executors.find(wanted.name);
    if (exact != file.executors.end() || strength != in_environment)
        return exact == file.executors.end() ? nullptr : &exact->second;
    const executor_config* found = nullptr;
    for (const auto& [name, c] : file.executors) {
        if (folded(name) == folded(wanted.name)) {
            if (found != nullptr) fail_at(wanted.origin, "names both '" + found->name + "' and '" + name + "'");
            found = &c;
        }
    }
    return found;
}

[[noreturn]] void fail_unnamed(const config& file, const named_spec& wanted, source strength) {
    std::vector<std::string> known;
    for (const auto& [name, c] : file.executors)
        known.push_back(name);
    const std::string name = strength == in_environment ? folded(wanted.name) : wanted.name;
    fail_at(wanted.origin, "the configuration names no executor '" + name + "'" + did_you_mean(name, known) +
                               (known.empty() ? "" : " (it names " + listed(known) + ")"));
}

bool fits(const executor_config& c) {
    try {
        check_options(c);
        return true;
    } catch (const config_error&) {
        return false;
    }
}

bool takes_workers(const std::string& kind) {
    return !has_check(kind) || fits({.kind = kind, .options = {{"workers", 2}}});
}

// `from` as another kind: keeps the options that are known to fit that kind.
executor_config as_kind(const executor_config& from, const std::string& kind) {
    executor_config result{.kind = kind, .name = from.name};
    if (!has_check(kind)) return result;
    for (const auto& [key, value] : from.options)
        if (fits({.kind = kind, .options = {{key, value}}})) result.options.emplace(key, value);
    return result;
}

executor_config overridden(const config& file, const executor_config& from, const spec& wanted,
                           const std::string& origin) {
    executor_config result = from;
    const auto other = file.executors.find(wanted.name);
    if (other != file.executors.end() && wanted.name != from.name) {
        result = other->second;
        result.name = from.name;
    } else if (!is_kind(wanted.name)) {
        fail_unknown(file, wanted.name, origin);
    } else if (wanted.name != from.kind) {
        result = as_kind(from, wanted.name);
    }
    result.origin = origin;
    for (const auto& [key, value] : wanted.options)
        result.options.insert_or_assign(key, value);
    if (wanted.workers) result.options.insert_or_assign("workers", *wanted.workers);
    check_can_be_made(result);
    return result;
}

// Applies settings of the form NAME=SPEC to the executors of the file, weaker sources first.
overrides apply_named(config& c, const settings& command_line, const settings& environment) {
    struct named_setting {
        const named_spec* setting;
        source strength;
    };
    std::map<std::string, named_setting, std::less<>> in_force;
    const auto collect = [&](const settings& of, source strength) {
        for (const named_spec& n : of.named)
            if (const executor_config* const target = find_named(c, n, strength))
                in_force.insert_or_assign(target->name, named_setting{&n, strength});
            else if (strength == on_command_line || !(command_line.executor || command_line.config))
                fail_unnamed(c, n, strength);
    };
    collect(environment, in_environment);
    collect(command_line, on_command_line);
    overrides applied;
    const config file = c;
    for (const auto& [name, n] : in_force) {
        const spec wanted = parse_spec(n.setting->spec, n.setting->origin);
        c.executors.at(name) = overridden(file, file.executors.at(name), wanted, n.setting->origin);
        applied.emplace(name, override_of_name{n.strength, wanted.workers});
    }
    return applied;
}

// The strongest source that sets the number of workers of the default executor. Of two settings of equal strength the
// more general one applies: `--workers`, then the spec of the choice, then the spec of the name.
worker_setting strongest_count(const setting& executor, const spec& wanted, const std::optional<setting>& workers,
                               const override_of_name* by_name) {
    worker_setting result;
    if (workers) result = {.strength = workers->strength, .text = &*workers};
    if (wanted.workers && executor.strength > result.strength)
        result = {.strength = executor.strength, .in_spec = &*wanted.workers};
    if (by_name != nullptr && by_name->workers && by_name->strength > result.strength)
        result = {.strength = by_name->strength, .in_spec = &*by_name->workers};
    return result;
}

// A name of the configuration takes precedence over a kind of the same name. `file_strength`: of the source that names
// the configuration file.
resolved_config choose(config c, const setting& executor, const std::optional<setting>& workers,
                       const overrides& by_name, source file_strength) {
    const spec wanted = parse_spec(executor.text, executor.origin);
    resolved_config result;
    source choice = executor.strength == in_file ? std::max(in_file, file_strength) : executor.strength;
    const override_of_name* override_in_force = nullptr;
    const auto named = c.executors.find(wanted.name);
    if (named != c.executors.end()) {
        result.chosen = named->second;
        if (const auto at = by_name.find(wanted.name); at != by_name.end()) {
            override_in_force = &at->second;
            choice = std::max(choice, at->second.strength);
        }
    } else if (is_kind(wanted.name)) {
        result.chosen.kind = wanted.name;
        result.chosen.origin = executor.origin;
    } else {
        fail_unknown(c, wanted.name, executor.origin);
    }
    for (const auto& [key, value] : wanted.options)
        result.chosen.options.insert_or_assign(key, value);
    const worker_setting workers_in_force = strongest_count(executor, wanted, workers, override_in_force);
    const bool weaker = workers_in_force.strength < choice;
    if (workers_in_force.strength != by_default && (!weaker || takes_workers(result.chosen.kind))) {
        if (weaker && !has_check(result.chosen.kind)) result.without_weaker_count = result.chosen;
        result.chosen.options.insert_or_assign("workers", workers_in_force.count());
    }
    check_can_be_made(result.chosen);
    result.only_factory_can_check = only_factory_can_check(result.chosen);
    if (named != c.executors.end()) named->second = result.chosen;  // runtime::executor(name) is the same executor
    result.all = std::move(c);
    return result;
}

config load_named(const setting& file) {
    if (file.text.empty()) fail_at(file.origin, "expected a file");
    try {
        return config::load(file.text);
    } catch (const config_error& e) {
        // An error inside the file has a position. For an unreadable file, name the source of its path instead.
        if (std::string_view(e.what()).starts_with(file.text + ": cannot be read")) fail_at(file.origin, e.what());
        throw;
    }
}

}  // namespace

resolved_config resolve(const settings& command_line, const settings& environment) {
    const auto file = strongest(command_line.config, "--config", environment.config, "CADRE_CONFIG");
    const auto workers = strongest(command_line.workers, "--workers", environment.workers, "CADRE_WORKERS");
    auto executor = strongest(command_line.executor, "--executor", environment.executor, "CADRE_EXECUTOR");
    config c = file ? load_named(*file) : config();
    const overrides by_name = apply_named(c, command_line, environment);
    if (!executor) {
        executor =
            c.executor.empty() ? setting{"thread", "", by_default} : setting{c.executor, c.executor_origin, in_file};
    }
    c.executor = executor->text;
    c.executor_origin = executor->origin;
    resolved_config result = choose(std::move(c), *executor, workers, by_name, file ? file->strength : by_default);
    if (auto trace = strongest(command_line.trace, "--trace", environment.trace, "CADRE_TRACE")) {
        if (trace->text.empty()) fail_at(trace->origin, "expected a file");
        result.trace_file = std::move(trace->text);
        result.trace_origin = std::move(trace->origin);
    }
    return result;
}

resolved_config resolve(config c) {
    for (auto& [name, executor] : c.executors) {
        if (!is_name(name)) throw config_error("executors." + name + ": expected a name of " + std::string(name_rule));
        executor.name = name;
        check_options(executor);
    }
    if (c.executor.empty()) c.executor = "thread";
    const std::string origin = c.executor_origin.empty() ? "executor" : c.executor_origin;
    const std::string text = c.executor;
    return choose(std::move(c), setting{text, origin, in_file}, std::nullopt, {}, in_file);
}

}  // namespace cadre::detail
