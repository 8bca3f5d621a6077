#include "config/command_line.hpp"

#include <cadre/errors.hpp>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include <unistd.h>

namespace cadre::detail {
namespace {

struct option {
    std::string_view name;
    std::optional<std::string> settings::* target;
};

constexpr option options[] = {
    {"--executor", &settings::executor},
    {"--workers", &settings::workers},
    {"--config", &settings::config},
    {"--trace", &settings::trace},
};

constexpr std::string_view named_option = "--executor.";
constexpr std::string_view named_variable = "CADRE_EXECUTOR_";

// The setting to which the option `name` belongs; null for an argument of the program itself.
std::string* target_of(std::string_view name, settings& found) {
    for (const option& o : options)
        if (o.name == name) return &(found.*(o.target)).emplace();
    if (!name.starts_with(named_option)) return nullptr;
    found.named.push_back({std::string(name), std::string(name.substr(named_option.size())), {}});
    return &found.named.back().spec;
}

std::optional<std::string> variable(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

std::vector<named_spec> named_variables() {
    std::vector<named_spec> found;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const std::size_t equals = text.find('=');
        const std::string_view name = text.substr(0, equals);
        if (equals != std::string_view::npos && equals + 1 != text.size() && name.starts_with(named_variable)) {
            found.push_back({std::string(name), std::string(name.substr(named_variable.size())),
                             std::string(text.substr(equals + 1))});
        }
    }
    std::ranges::sort(found, {}, &named_spec::origin);  // the environment has no order that a user chose
    return found;
}

}  // namespace

settings take_command_line(int& argc, char** argv) {
    settings found;
    if (argc < 1) return found;
    int kept = 1;
    int i = 1;
    for (; i < argc && std::string_view(argv[i]) != "--"; ++i) {
        const std::string_view argument = argv[i];
        const std::size_t equals = argument.find('=');
        const std::string_view name = argument.substr(0, equals);
        std::string* const value = target_of(name, found);
        if (value == nullptr)
            argv[kept++] = argv[i];
        else if (equals != std::string_view::npos)
            *value = argument.substr(equals + 1);
        else if (i + 1 < argc && !std::string_view(argv[i + 1]).starts_with("--"))
            *value = argv[++i];
        else
            throw config_error(std::string(name) + ": expected a value");
    }
    for (; i < argc; ++i)
        argv[kept++] = argv[i];
    argv[kept] = nullptr;
    argc = kept;
    return found;
}

settings from_environment() {
    return {.executor = variable("CADRE_EXECUTOR"),
            .workers = variable("CADRE_WORKERS"),
            .config = variable("CADRE_CONFIG"),
            .trace = variable("CADRE_TRACE"),
            .named = named_variables()};
}

}  // namespace cadre::detail
