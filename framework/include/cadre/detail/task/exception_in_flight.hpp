/// @file
/// The exception because of which a destructor runs, for the message of a program that is about to terminate.
#pragma once

#include <string>

namespace cadre::detail {

/// "std::runtime_error: text" for the exception that unwinds the stack, or else for the one that is handled on this thread; empty if
/// there is none. C++ does not let a destructor see an exception that no handler has reached: it is searched for on the
/// stack, and if it is not found the text says only that there is one. Call it only before `std::terminate`: it begins to
/// handle the exception.
[[nodiscard]] std::string describe_exception_in_flight();

}  // namespace cadre::detail
