/// @file
/// The recorder of the trace of this process: a buffer for each thread, which one writer thread empties into the file.
#pragma once

#include <string>
#include <system_error>

namespace cadre::detail::trace {

/// Begins a trace in the file `path`, which is truncated. No effect while another trace is recorded. Thread-safe.
/// @return the error if the file cannot be written, such as "No such file or directory"; empty on success
[[nodiscard]] std::string start(const std::string& path);

/// Ends the trace; the file is then complete. No effect without a trace. Thread-safe.
void finish() noexcept;

}  // namespace cadre::detail::trace
