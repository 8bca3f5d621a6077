/// @file
/// A pass over a configuration file before toml++ reads it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace cadre::detail {

/// The result of `screen_toml`.
struct screened_toml {
    /// A position as toml++ counts: lines and code points, from 1.
    struct position {
        std::size_t line = 1;
        std::size_t column = 1;
    };

    std::string text;                   ///< safe input for toml++
    std::optional<position> forbidden;  ///< the first character beyond ASCII that TOML does not allow there
};

/// TOML allows characters beyond ASCII only in strings and comments. toml++ (3.3 and 3.4) has undefined behaviour for most
/// of them elsewhere: screening ends at the first such character. It has the same defect in multi-line strings, for the
/// first character after a backslash at the end of a line: an escape replaces that character.
[[nodiscard]] screened_toml screen_toml(std::string_view text);

}  // namespace cadre::detail
