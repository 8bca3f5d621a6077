/// @file
/// toml++, private to the reader of configuration files, and safe on files that are not TOML.
///
/// toml++ 3.3 takes what it asserts about its input for granted, and some malformed files break that: an unquoted
/// `é`, a table header that ends at the wrong place. Without assertions that is undefined behaviour, with them an
/// abort. Here a broken assertion is an exception. Since that makes the inline functions differ from those of a
/// program that uses toml++ itself, they also get a namespace of their own.
#pragma once

#define toml cadre_private_toml
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0

#include <toml++/impl/forward_declarations.h>

namespace cadre::detail {

/// toml++ came to a state that it holds for impossible.
struct toml_assertion {};

[[noreturn]] inline void toml_is_broken() { throw toml_assertion(); }

}  // namespace cadre::detail

// In the tables of characters: a character that none of the listed ranges holds.
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE return false
#include <toml++/impl/unicode.h>

#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE ::cadre::detail::toml_is_broken()
#undef TOML_ASSERT
#define TOML_ASSERT(expr) ((expr) ? static_cast<void>(0) : ::cadre::detail::toml_is_broken())
#undef TOML_ASSERT_ASSUME
#define TOML_ASSERT_ASSUME(expr) TOML_ASSERT(expr)
#include <toml++/toml.h>
