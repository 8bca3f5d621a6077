#include "config/resolve.hpp"

#include "config/kinds.hpp"
#include "config/names.hpp"
#include "config/suggest.hpp"

#include <utility>
#include <vector>

namespace cadre::detail {
namespace {

// The value of one source, the prefix of its error messages, and its precedence.
struct setting {
    std::string text;
    std::string origin;
    int strength = 0;
};

std::optional<setting> strongest(const std::optional<std::string>& command_line, const char* option,
                                 const std::optional<std::string>& environment, const char* variable) {
    if (command_line) {
        return setting{*command_line, option, 3};
    }
    if (environment) {
        return setting{*environment, variable, 2};
    }
    return std::nullopt;
}

[[noreturn]] void fail_unknown(const config& c, const std::string& name, const std::string& origin) {
    const std::vector<std::string> kinds = all_kinds();
    std::vector<std::string> known;
    for (const auto& [executor, options] : c.executors) {
        known.push_back(executor);
    }
    const std::string named = known.empty() ? "" : "; named in the configuration: " + listed(known);
    known.insert(known.end(), kinds.begin(), kinds.end());
    fail_at(origin, "unknown executor kind '" + name + "'" + did_you_mean(name, known) + " (kinds: " + listed(kinds) +
                        named + ")");
}

// A name of the configuration takes precedence over a kind of the same name.
resolved_config choose(config c, const setting& executor, const std::optional<setting>& workers) {
    spec wanted = parse_spec(executor.text, executor.origin);
    resolved_config result;
    const auto named = c.executors.find(wanted.name);
    if (named != c.executors.end()) {
        result.chosen = named->second;
    } else if (is_kind(wanted.name)) {
        result.chosen.kind = wanted.name;
        result.chosen.origin = executor.origin;
    } else {
        fail_unknown(c, wanted.name, executor.origin);
    }
    const bool spec_counts = wanted.workers && !(workers && workers->strength >= executor.strength);
    if (spec_counts) {
        result.chosen.options.insert_or_assign("workers", std::move(*wanted.workers));
    } else if (workers) {
        result.chosen.options.insert_or_assign("workers", parse_workers(workers->text, workers->origin));
    }
    result.only_factory_can_check = !check_can_be_made(result.chosen);
    if (named != c.executors.end()) {
        named->second = result.chosen;  // runtime::executor(name) is the same executor
    }
    result.all = std::move(c);
    return result;
}

config load_named(const setting& file) {
    try {
        return config::load(file.text);
    } catch (const config_error& e) {
        // An error inside the file has a position. For an unreadable file, name the source of its path instead.
        if (std::string_view(e.what()).starts_with(file.text + ": cannot be read")) {
            fail_at(file.origin, e.what());
        }
        throw;
    }
}

}  // namespace

resolved_config resolve(const settings& command_line, const settings& environment) {
    const auto file = strongest(command_line.config, "--config", environment.config, "CADRE_CONFIG");
    const auto workers = strongest(command_line.workers, "--workers", environment.workers, "CADRE_WORKERS");
    auto executor = strongest(command_line.executor, "--executor", environment.executor, "CADRE_EXECUTOR");
    config c = file ? load_named(*file) : config();
    if (!executor) {
        executor = c.executor.empty() ? setting{"thread", "", 0} : setting{c.executor, c.executor_origin, 1};
    }
    c.executor = executor->text;
    c.executor_origin = executor->origin;
    return choose(std::move(c), *executor, workers);
}

resolved_config resolve(config c) {
    for (auto& [name, executor] : c.executors) {
        if (!is_name(name)) {
            throw config_error("executors." + name + ": expected a name of " + std::string(name_rule));
        }
        executor.name = name;
        check_options(executor);
    }
    if (c.executor.empty()) {
        c.executor = "thread";
    }
    const std::string origin = c.executor_origin.empty() ? "executor" : c.executor_origin;
    const std::string text = c.executor;
    return choose(std::move(c), setting{text, origin, 1}, std::nullopt);
}

}  // namespace cadre::detail
