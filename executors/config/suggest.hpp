/// @file
/// "did you mean": the known name that is closest to a mistyped name.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace cadre::detail {

/// The closest candidate, if at most a third of the letters of `wrong` differ (a swap counts as one difference); else
/// empty.
[[nodiscard]] std::string_view closest(std::string_view wrong, std::span<const std::string> candidates);

/// `; did you mean 'process'?` or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view wrong, std::span<const std::string> candidates);

/// `a, b, c`
[[nodiscard]] std::string listed(std::span<const std::string> names);

}  // namespace cadre::detail
