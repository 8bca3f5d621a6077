/// @file
/// "did you mean": the known name that is closest to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace cadre::detail {

/// The candidate that at most a third of the letters separate from `wrong`, counting swaps as one; empty if none is
/// near.
[[nodiscard]] std::string_view closest(std::string_view wrong, std::span<const std::string> candidates);

/// `; did you mean 'process'?` or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view wrong, std::span<const std::string> candidates);

/// `a, b, c`
[[nodiscard]] std::string listed(std::span<const std::string> names);

}  // namespace cadre::detail
