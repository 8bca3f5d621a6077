#include "config/units.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <system_error>

namespace cadre::detail {
namespace {

struct unit {
    std::string_view name;
    std::int64_t factor;
};

constexpr unit duration_units[] = {
    {"ns", 1},
    {"us", 1'000},
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"min", 60'000'000'000},
    {"h", 3'600'000'000'000},
    {"d", 86'400'000'000'000},
};

// A letter alone is a power of 1024, as for `ulimit`, `systemd` and the JVM.
constexpr unit size_units[] = {
    {"", 1},
    {"B", 1},
    {"kB", 1'000},
    {"KB", 1'000},
    {"MB", 1'000'000},
    {"GB", 1'000'000'000},
    {"TB", 1'000'000'000'000},
    {"k", std::int64_t{1} << 10},
    {"K", std::int64_t{1} << 10},
    {"M", std::int64_t{1} << 20},
    {"G", std::int64_t{1} << 30},
    {"T", std::int64_t{1} << 40},
    {"KiB", std::int64_t{1} << 10},
    {"MiB", std::int64_t{1} << 20},
    {"GiB", std::int64_t{1} << 30},
    {"TiB", std::int64_t{1} << 40},
};

std::int64_t factor_of(std::string_view name, std::span<const unit> units) noexcept {
    for (const unit& u : units)
        if (u.name == name) return u.factor;
    return 0;
}

// `NUMBER[ ]UNIT` in the smallest unit.
std::optional<std::int64_t> parse_quantity(std::string_view text, std::span<const unit> units) noexcept {
    const std::size_t digits = text.find_first_not_of("0123456789.");
    const std::string_view number = text.substr(0, digits);
    std::string_view name = digits == std::string_view::npos ? std::string_view() : text.substr(digits);
    if (!name.empty() && name.front() == ' ') name.remove_prefix(1);
    const std::int64_t factor = factor_of(name, units);
    if (factor == 0 || number.empty() || number.front() == '.' || number.back() == '.') return std::nullopt;
    constexpr std::int64_t max = std::numeric_limits<std::int64_t>::max();
    if (number.find('.') == std::string_view::npos) {
        std::int64_t whole = 0;
        const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), whole);
        if (error != std::errc() || end != number.data() + number.size() || whole > max / factor) return std::nullopt;
        return whole * factor;
    }
    double value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    value *= static_cast<double>(factor);
    if (error != std::errc() || end != number.data() + number.size() || value >= static_cast<double>(max))
        return std::nullopt;
    return std::llround(value);
}

template <class Int>
std::optional<Int> parse_whole(std::string_view text) noexcept {
    Int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) noexcept {
    const auto nanoseconds = parse_quantity(text, duration_units);
    if (!nanoseconds) return std::nullopt;
    return std::chrono::nanoseconds(*nanoseconds);
}

std::optional<std::size_t> parse_bytes(std::string_view text) noexcept {
    const auto bytes = parse_quantity(text, size_units);
    if (!bytes) return std::nullopt;
    return static_cast<std::size_t>(*bytes);
}

std::optional<long long> parse_integer(std::string_view text) noexcept { return parse_whole<long long>(text); }

std::optional<std::uint64_t> parse_unsigned(std::string_view text) noexcept { return parse_whole<std::uint64_t>(text); }

bool is_too_large(std::string_view text) noexcept {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos && !parse_integer(text);
}

}  // namespace cadre::detail
