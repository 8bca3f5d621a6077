/// @file
/// A pass over a configuration file before toml++ reads it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace cadre::detail {

/// What `screen_toml` makes of a file.
struct screened_toml {
    /// A position as toml++ counts: lines and code points, from 1.
    struct position {
        std::size_t line = 1;
        std::size_t column = 1;
    };

    std::string text;                   ///< what toml++ may read
    std::optional<position> forbidden;  ///< the first character beyond ASCII that TOML does not allow there
};

/// TOML allows characters beyond ASCII only in strings and comments. toml++ (3.3 and 3.4) has undefined behaviour on most
/// of them elsewhere, so that the first such character ends the screening. In the text of a multi-line string toml++ has
/// the same trouble after a backslash at the end of a line: there the character is replaced by its escape.
[[nodiscard]] screened_toml screen_toml(std::string_view text);

}  // namespace cadre::detail
