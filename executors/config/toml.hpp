/// @file
/// toml++, private to the reader of configuration files.
///
/// toml++ asserts what it expects of its input, and some malformed files break that: a table header that ends at the
/// wrong position. Without assertions that is undefined behaviour, with them an abort. Here a failed assertion is an
/// exception. Since that makes the inline functions differ from those of a program that uses toml++ itself, they also
/// get a namespace of their own.
#pragma once

namespace cadre::detail {

/// toml++ reached a state that it asserts to be impossible.
struct toml_assertion {};

[[noreturn]] inline void fail_toml_assertion() { throw toml_assertion(); }

}  // namespace cadre::detail

#define toml cadre_private_toml
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ASSERT(expr) ((expr) ? static_cast<void>(0) : ::cadre::detail::fail_toml_assertion())

// With NDEBUG toml++ replaces its assertions by assumptions.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")
