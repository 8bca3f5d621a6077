/// @file
/// Types by name, for messages.
#pragma once

#include <string>
#include <typeinfo>

namespace cadre::detail {

/// The name of a type as C++ spells it.
[[nodiscard]] std::string type_name(const std::type_info& type);
/// The type of the exception that is being handled; `unknown` outside of a handler and for foreign exceptions.
[[nodiscard]] std::string current_exception_type_name();

}  // namespace cadre::detail
