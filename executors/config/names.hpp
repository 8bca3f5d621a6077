/// @file
/// Names and specs of executors.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <cadre/config.hpp>

namespace cadre::detail {

/// Letters, digits, `_` and `-`, beginning with a letter: for kinds and for names of executors.
[[nodiscard]] bool is_name(std::string_view text) noexcept;

inline constexpr std::string_view name_rule = "letters, digits, '_' and '-', beginning with a letter";

/// `NAME`, `NAME:WORKERS`, or `NAME:ITEM,…`, where an item is a number of workers, a word that denotes an option
/// (`virtual`), or KEY=VALUE: `serial:virtual,seed=7`.
struct spec {
    std::string name;
    std::optional<option_value> workers;  ///< with the origin of the spec
    std::map<std::string, option_value, std::less<>> options;  ///< the other options, by name
};

/// @param origin prefix of error messages: `--executor`, or empty for a spec given in code
/// @throws config_error if the text has another form, an option is given twice, or the count is not a positive whole
/// number
[[nodiscard]] spec parse_spec(std::string_view text, std::string_view origin);

/// The text of a number of workers, as from a spec or `--workers`.
/// @throws config_error `origin: expected a positive whole number…`
[[nodiscard]] option_value parse_workers(std::string_view text, std::string_view origin);

/// @throws config_error `origin: message`, or the message alone if `origin` is empty
[[noreturn]] void fail_at(std::string_view origin, std::string_view message);

}  // namespace cadre::detail
