/// @file
/// The name of a process in ps and top.
#pragma once

#include <string>

namespace cadre::detail::process_os {

/// Names this process: `text`, cut to 15 characters, as the name of its main thread, and `program: text` as its command
/// line. The strings of argv and of the environment stay as they are, because the program may have kept pointers to
/// them: the kernel is given another address. If it refuses that, the command line stays. Call it while there is one
/// thread.
void set_process_title(const std::string& text) noexcept;

}  // namespace cadre::detail::process_os
