/// @file
/// The exception that unwinds the stack, for the message of a program that is about to terminate.
#pragma once

#include <string>

namespace cadre::detail {

/// "std::runtime_error: text" for the exception that unwinds the stack, or else for the one that is handled on this
/// thread; empty if there is none. C++ has no access to an exception before a handler has caught it, so the function
/// searches the stack for its header. If it finds none, the text has neither type nor message. To be called only before
/// `std::terminate`: it catches the exception.
[[nodiscard]] std::string describe_exception_in_flight();

}  // namespace cadre::detail
