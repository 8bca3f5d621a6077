/// @file
/// Functions by name, for messages.
#pragma once

#include <string>

namespace cadre::detail {

/// The demangled name of the function that begins at `address`, from the symbol table of its program or library; empty
/// if there is none, as in a stripped program. The first call for an address reads the file. Thread-safe. @throws
/// std::bad_alloc
[[nodiscard]] std::string symbol_name(const void* address);

}  // namespace cadre::detail
