/// @file
/// Durations and sizes with units.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cadre::detail {

/// The descriptions of a duration and of a size in error messages.
inline constexpr std::string_view duration_rule =
    "a duration such as \"500ms\" or \"2s\" (units: ns, us, ms, s, m, min, h, d)";
inline constexpr std::string_view size_rule = "a size such as \"256MiB\" or \"1G\" (units: B, kB, MB, GB, TB, and K, "
                                              "M, G, T or KiB, MiB, GiB, TiB for powers of 1024)";

/// `"2s"`, `"1.5 s"`, `"500ms"`, `"5m"`; units ns, us, ms, s, m or min, h, d. Empty if the text is malformed or the
/// value is too large.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) noexcept;

/// `"256MiB"`, `"1G"`, `"4096"`; units B, kB, MB, GB, TB (powers of 1000) and K, M, G, T or KiB, MiB, GiB, TiB (powers
/// of 1024). Empty if the text is malformed or the value is too large.
[[nodiscard]] std::optional<std::size_t> parse_bytes(std::string_view text) noexcept;

/// A whole number without further text; empty if the text is malformed or the number does not fit.
[[nodiscard]] std::optional<long long> parse_integer(std::string_view text) noexcept;

/// A whole number from 0 to 2^64 - 1 without a sign or further text; empty if the text is malformed or the number does
/// not fit.
[[nodiscard]] std::optional<std::uint64_t> parse_unsigned(std::string_view text) noexcept;

/// Whether the text is a number without a sign that `parse_integer` refuses only because it is 2^63 or more.
[[nodiscard]] bool is_too_large(std::string_view text) noexcept;

}  // namespace cadre::detail
