#include <cadre/config.hpp>

#include "common/concurrency.hpp"
#include "config/names.hpp"
#include "config/suggest.hpp"
#include "config/units.hpp"

#include <algorithm>
#include <concepts>
#include <cstdint>

namespace cadre {
namespace {

const option_value* find(const executor_config& c, std::string_view key) {
    const auto at = c.options.find(key);
    return at == c.options.end() ? nullptr : &at->second;
}

[[noreturn]] void fail_expected(const executor_config& c, std::string_view key, const std::string& expected) {
    c.fail(key, "expected " + expected + ", got " + find(c, key)->text());
}

// Whether the option is a text of digits because it is too large for a whole number.
bool is_beyond(const option_value& value) {
    const auto* const text = std::get_if<std::string>(&value.value());
    return text != nullptr && detail::is_too_large(*text);
}

// The value if it is present; anything but a `T` is an error.
template <class T>
const T* typed(const executor_config& c, std::string_view key, const std::string& expected) {
    const option_value* const value = find(c, key);
    if (value == nullptr) return nullptr;
    const T* const result = std::get_if<T>(&value->value());
    if (result == nullptr) {
        if constexpr (std::same_as<T, std::int64_t>) {
            if (is_beyond(*value)) fail_expected(c, key, "at most " + std::to_string(INT64_MAX));
        }
        fail_expected(c, key, expected);
    }
    return result;
}

std::string at_least(std::size_t least) {
    if (least == 0) return "a whole number that is not negative";
    return least == 1 ? "a positive whole number" : "a whole number of at least " + std::to_string(least);
}

}  // namespace

void executor_config::fail(std::string_view key, std::string_view message) const {
    const option_value* const value = find(*this, key);
    if (value != nullptr && !value->origin().empty()) detail::fail_at(value->origin(), message);
    std::string where = !origin.empty() || name.empty() ? origin : "executors." + name;
    if (!where.empty()) where += name.empty() ? ": " : ".";
    detail::fail_at(where.append(key), message);
}

std::optional<int> executor_config::workers() const {
    const option_value* const value = find(*this, "workers");
    if (value == nullptr) return std::nullopt;
    const auto n = is_beyond(*value) ? std::optional<std::size_t>(SIZE_MAX) : count("workers");
    if (*n > static_cast<std::size_t>(detail::max_workers))
        fail_expected(*this, "workers", "at most " + std::to_string(detail::max_workers));
    return static_cast<int>(*n);
}

std::optional<std::int64_t> executor_config::integer(std::string_view key) const {
    const auto* const value = typed<std::int64_t>(*this, key, "a whole number");
    return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<std::size_t> executor_config::count(std::string_view key, std::size_t least) const {
    const auto* const value = typed<std::int64_t>(*this, key, at_least(least));
    if (value == nullptr) return std::nullopt;
    if (*value < 0 || static_cast<std::size_t>(*value) < least) fail_expected(*this, key, at_least(least));
    return static_cast<std::size_t>(*value);
}

std::optional<std::uint64_t> executor_config::unsigned_integer(std::string_view key) const {
    const option_value* const value = find(*this, key);
    if (value == nullptr) return std::nullopt;
    if (is_beyond(*value)) {
        if (const auto parsed = detail::parse_unsigned(*std::get_if<std::string>(&value->value()))) return parsed;
        fail_expected(*this, key, "at most " + std::to_string(UINT64_MAX));
    }
    return count(key, 0);
}

std::optional<double> executor_config::number(std::string_view key) const {
    if (const option_value* const value = find(*this, key)) {
        if (const auto* const whole = std::get_if<std::int64_t>(&value->value())) return static_cast<double>(*whole);
        if (is_beyond(*value)) return std::stod(*std::get_if<std::string>(&value->value()));
    }
    const auto* const value = typed<double>(*this, key, "a number");
    return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<bool> executor_config::boolean(std::string_view key) const {
    const auto* const value = typed<bool>(*this, key, "true or false");
    return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<std::string> executor_config::string(std::string_view key) const {
    const auto* const value = typed<std::string>(*this, key, "a string");
    return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<std::size_t> executor_config::choice(std::string_view key,
                                                   std::span<const std::string_view> choices) const {
    std::string expected;
    for (std::size_t i = 0; i < choices.size(); ++i) {
        expected += i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ";
        expected += '"' + std::string(choices[i]) + '"';
    }
    const auto* const value = typed<std::string>(*this, key, expected);
    if (value == nullptr) return std::nullopt;
    const auto at = std::ranges::find(choices, std::string_view(*value));
    if (at == choices.end()) fail_expected(*this, key, expected);
    return static_cast<std::size_t>(at - choices.begin());
}

std::optional<std::chrono::nanoseconds> executor_config::duration(std::string_view key) const {
    const option_value* const value = find(*this, key);
    if (value == nullptr) return std::nullopt;
    if (const auto* const given = std::get_if<std::chrono::nanoseconds>(&value->value()); given && given->count() >= 0)
        return *given;
    if (const auto* const text = std::get_if<std::string>(&value->value())) {
        if (const auto parsed = detail::parse_duration(*text)) return parsed;
    }
    fail_expected(*this, key, std::string(detail::duration_rule));
}

std::optional<std::size_t> executor_config::bytes(std::string_view key) const {
    const option_value* const value = find(*this, key);
    if (value == nullptr) return std::nullopt;
    if (const auto* const whole = std::get_if<std::int64_t>(&value->value()); whole && *whole >= 0)
        return static_cast<std::size_t>(*whole);
    if (const auto* const text = std::get_if<std::string>(&value->value())) {
        if (is_beyond(*value)) return detail::parse_unsigned(*text).value_or(SIZE_MAX);
        if (const auto parsed = detail::parse_bytes(*text)) return parsed;
    }
    fail_expected(*this, key, std::string(detail::size_rule));
}

std::optional<std::vector<std::int64_t>> executor_config::integers(std::string_view key) const {
    const std::string expected = "an array of whole numbers";
    const auto* const values = typed<option_value::array>(*this, key, expected);
    if (values == nullptr) return std::nullopt;
    std::vector<std::int64_t> result;
    for (const option_value& value : *values) {
        const auto* const whole = std::get_if<std::int64_t>(&value.value());
        if (whole == nullptr) fail_expected(*this, key, expected);
        result.push_back(*whole);
    }
    return result;
}

void executor_config::allow_only(std::initializer_list<std::string_view> known) const {
    allow_only(std::span(known.begin(), known.size()));
}

void executor_config::allow_only(std::span<const std::string_view> known) const {
    for (const auto& [key, value] : options) {
        const std::string_view table = std::string_view(key).substr(0, key.find('.'));
        if (table.size() != key.size() && std::ranges::find(known, table) != known.end())
            fail(key, std::string("'").append(table) + "' takes a single value, not a table");
        if (std::ranges::find(known, std::string_view(key)) == known.end()) {
            const std::vector<std::string> names(known.begin(), known.end());
            fail(key, "unknown option of the kind '" + kind + "'" + detail::did_you_mean(key, names) +
                          (names.empty() ? " (it has none)" : " (options: " + detail::listed(names) + ")"));
        }
    }
}

}  // namespace cadre
