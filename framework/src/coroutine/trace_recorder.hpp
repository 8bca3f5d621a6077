/// @file
/// Records a trace of this process: buffers of each thread, which one thread empties into the file.
#pragma once

#include <string>
#include <system_error>

namespace cadre::detail::trace {

/// Begins a trace in the file `path`, which is emptied. One trace at a time: a second one changes nothing.
/// @return why the file cannot be written, such as "No such file or directory"; empty if it can
[[nodiscard]] std::string start(const std::string& path);

/// Ends the trace: the file is complete. Any thread; harmless if there is none.
void finish() noexcept;

}  // namespace cadre::detail::trace
