#include "config/names.hpp"

#include "common/concurrency.hpp"
#include "config/units.hpp"

#include <algorithm>

namespace cadre::detail {
namespace {

// std::isalpha depends on the locale.
constexpr bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_name_char(char c) noexcept { return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-'; }

}  // namespace

bool is_name(std::string_view text) noexcept {
    return !text.empty() && is_letter(text.front()) && std::ranges::all_of(text, is_name_char);
}

void fail_at(std::string_view origin, std::string_view message) {
    std::string text(origin);
    if (!text.empty()) {
        text += ": ";
    }
    throw config_error(text.append(message));
}

option_value parse_workers(std::string_view text, std::string_view origin) {
    const auto number = parse_integer(text);
    if (!number || *number < 1) {
        fail_at(origin, "expected a positive whole number of workers, got \"" + std::string(text) + '"');
    }
    if (*number > max_workers) {
        fail_at(origin, "expected at most " + std::to_string(max_workers) + " workers, got " + std::string(text));
    }
    option_value value(*number);
    value.set_origin(std::string(origin));
    return value;
}

spec parse_spec(std::string_view text, std::string_view origin) {
    const std::size_t colon = text.find(':');
    spec result;
    result.name = text.substr(0, colon);
    if (!is_name(result.name)) {
        fail_at(origin, "expected KIND, KIND:WORKERS or the name of an executor, got \"" + std::string(text) + '"');
    }
    if (colon != std::string_view::npos) {
        const std::string where = (origin.empty() ? std::string() : std::string(origin) + ": ") + std::string(text);
        result.workers = parse_workers(text.substr(colon + 1), where);
    }
    return result;
}

}  // namespace cadre::detail
