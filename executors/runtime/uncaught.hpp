/// @file
/// The text that a program prints about an error that leaves its main task.
#pragma once

#include <exception>
#include <string>

namespace cadre::detail {

/// `app`, from `/some/where/app`; empty for null.
[[nodiscard]] std::string program_name(const char* path);

/// Type, text and origin of `error` in one line, then the stack of a worker that crashed, one frame a line; ends with a
/// newline.
[[nodiscard]] std::string describe_uncaught(const std::string& program, const std::exception_ptr& error);

/// Prints that line, and not the standard library's, when an exception leaves `main` or a thread. Leaves a handler of
/// the program alone.
void install_terminate_handler() noexcept;

}  // namespace cadre::detail
