#include "config/command_line.hpp"

#include <cadre/errors.hpp>

#include <cstdlib>
#include <string_view>

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
};

const option* option_of(std::string_view argument) {
    const std::string_view name = argument.substr(0, argument.find('='));
    for (const option& o : options) {
        if (o.name == name) {
            return &o;
        }
    }
    return nullptr;
}

std::optional<std::string> variable(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

settings take_command_line(int& argc, char** argv) {
    settings found;
    if (argc < 1) {
        return found;
    }
    int kept = 1;
    int i = 1;
    for (; i < argc && std::string_view(argv[i]) != "--"; ++i) {
        const std::string_view argument = argv[i];
        const option* const o = option_of(argument);
        if (o == nullptr) {
            argv[kept++] = argv[i];
            continue;
        }
        const std::size_t equals = argument.find('=');
        if (equals != std::string_view::npos) {
            found.*(o->target) = argument.substr(equals + 1);
        } else if (i + 1 < argc && !std::string_view(argv[i + 1]).starts_with("--")) {
            found.*(o->target) = argv[++i];
        } else {
            throw config_error(std::string(o->name) + ": expected a value");
        }
    }
    for (; i < argc; ++i) {
        argv[kept++] = argv[i];
    }
    argv[kept] = nullptr;
    argc = kept;
    return found;
}

settings from_environment() {
    return {.executor = variable("CADRE_EXECUTOR"),
            .workers = variable("CADRE_WORKERS"),
            .config = variable("CADRE_CONFIG")};
}

}  // namespace cadre::detail
