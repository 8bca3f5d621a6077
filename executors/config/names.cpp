#include "config/names.hpp"

#include "common/concurrency.hpp"
#include "config/units.hpp"

#include <algorithm>
#include <utility>

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
    if (!text.empty()) text += ": ";
    throw config_error(text.append(message));
}

option_value parse_workers(std::string_view text, std::string_view origin) {
    const auto number = parse_integer(text);
    const bool too_many = is_too_large(text) || number.value_or(0) > max_workers;
    if (!too_many && number.value_or(0) < 1)
        fail_at(origin, "expected a positive whole number of workers, got \"" + std::string(text) + '"');
    if (too_many)
        fail_at(origin, "expected at most " + std::to_string(max_workers) + " workers, got " + std::string(text));
    option_value value(*number);
    value.set_origin(std::string(origin));
    return value;
}

namespace {

// A text that looks like a number, true or false becomes such a value: no option that takes text expects such a one.
option_value parse_value(std::string_view text) {
    if (text == "true" || text == "false") return text == "true";
    const auto number = parse_integer(text);
    return number ? option_value(*number) : option_value(text);
}

void add_option(spec& to, std::string_view key, option_value value, const std::string& where) {
    if (!is_name(key)) fail_at(where, "expected KEY=VALUE, got \"" + std::string(key) + "=" + value.text() + '"');
    value.set_origin(where + ": " + std::string(key));
    if (!to.options.emplace(key, std::move(value)).second) fail_at(where, "'" + std::string(key) + "' is given twice");
}

void set_workers(spec& to, std::string_view count, const std::string& where) {
    option_value value = parse_workers(count, where);
    if (to.workers) fail_at(where, "the number of workers is given twice");
    to.workers = std::move(value);
}

void add_item(spec& to, std::string_view item, const std::string& where) {
    const std::size_t equals = item.find('=');
    if (item.substr(0, equals) == "workers" && equals != std::string_view::npos)
        return set_workers(to, item.substr(equals + 1), where);  // the same setting as KIND:WORKERS
    if (equals != std::string_view::npos)
        return add_option(to, item.substr(0, equals), parse_value(item.substr(equals + 1)), where);
    if (item == "virtual" || item == "real") return add_option(to, "clock", option_value(item), where);
    if (to.name == "serial" && !parse_integer(item))
        fail_at(where, "expected virtual, real or seed=NUMBER, got \"" + std::string(item) + '"');
    set_workers(to, item, where);
}

}  // namespace

spec parse_spec(std::string_view text, std::string_view origin) {
    const std::size_t colon = text.find(':');
    spec result;
    result.name = text.substr(0, colon);
    if (!is_name(result.name)) {
        fail_at(origin, "expected KIND, KIND:WORKERS, KIND:OPTION=VALUE or the name of an executor, got \"" +
                            std::string(text) + '"');
    }
    if (colon != std::string_view::npos) {
        const std::string where = (origin.empty() ? std::string() : std::string(origin) + ": ") + std::string(text);
        std::string_view items = text.substr(colon + 1);
        for (std::size_t comma = items.find(','); comma != std::string_view::npos; comma = items.find(',')) {
            add_item(result, items.substr(0, comma), where);
            items.remove_prefix(comma + 1);
        }
        add_item(result, items, where);
    }
    return result;
}

}  // namespace cadre::detail
