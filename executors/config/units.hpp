/// @file
/// Durations and sizes with units.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

namespace cadre::detail {

/// `"2s"`, `"1.5 s"`, `"500ms"`, `"1min"`; units ns, us, ms, s, min, h. Empty if the text is malformed or the
/// value is too large.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) noexcept;

/// `"256MiB"`, `"1GB"`, `"4096"`; units B, kB, MB, GB, TB (powers of 1000) and KiB, MiB, GiB, TiB (powers of 1024).
/// Empty if the text is malformed or the value is too large.
[[nodiscard]] std::optional<std::size_t> parse_bytes(std::string_view text) noexcept;

/// A whole number without further text; empty if the text is malformed or the number does not fit.
[[nodiscard]] std::optional<long long> parse_integer(std::string_view text) noexcept;

}  // namespace cadre::detail
