/// @file
/// A pass over a configuration file before toml++ reads it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace cadre::detail {

/// A character that is not allowed at its place in a configuration file.
struct forbidden_character {
    // As toml++ counts: lines and code points, from 1.
    std::size_t line = 1;
    std::size_t column = 1;
    std::string_view reason{};
};

/// toml++ (3.3 and 3.4) has undefined behaviour for most characters beyond ASCII outside of strings and comments, where
/// TOML does not allow any, and at the beginning of a line of a string that continues a line which ends with a
/// backslash, where TOML does. A file is therefore parsed in two steps: first this copy, with an `x` for each character
/// beyond ASCII, so that lines and columns are the same; then, if the copy is valid and `check_ascii` finds nothing,
/// the file itself.
[[nodiscard]] std::string ascii_copy(std::string_view text);

/// The first such character of a file whose `ascii_copy` is valid TOML.
[[nodiscard]] std::optional<forbidden_character> check_ascii(std::string_view text);

}  // namespace cadre::detail
