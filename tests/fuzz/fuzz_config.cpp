// Configuration files, executor specs and command lines: each is accepted, or refused by a config_error.

#include "config/command_line.hpp"
#include "config/names.hpp"
#include "config/resolve.hpp"
#include "config/units.hpp"

#include <cadre/config.hpp>
#include <cadre/errors.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

void read_file(std::string_view text) {
    cadre::config c = cadre::config::parse(text, "fuzz.toml");
    (void)cadre::detail::resolve(std::move(c));
}

void read_spec(std::string_view text) { (void)cadre::detail::parse_spec(text, "--executor"); }

void read_units(std::string_view text) {
    (void)cadre::detail::parse_duration(text);
    (void)cadre::detail::parse_bytes(text);
    (void)cadre::detail::parse_integer(text);
}

// The arguments are separated by line breaks. Files are not read.
void read_command_line(std::string_view text) {
    std::vector<std::string> words{"app"};
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        words.emplace_back(text.substr(at, end - at));
        at = end + 1;
    }
    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    int count = static_cast<int>(words.size());
    cadre::detail::settings given = cadre::detail::take_command_line(count, arguments.data());
    if (count < 1 || arguments[static_cast<std::size_t>(count)] != nullptr) std::abort();
    given.config.reset();
    (void)cadre::detail::resolve(given, {});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
    try {
        switch (data[0]) {
            case 's': read_spec(text); break;
            case 'u': read_units(text); break;
            case 'a': read_command_line(text); break;
            default: read_file(text);
        }
    } catch (const cadre::config_error& e) {
        if (std::string_view(e.what()).empty()) std::abort();
    }
    return 0;
}
