/// @file
/// The program and libraries mapped into this process.
#pragma once

#include "process/os/crash_page.hpp"

#include <span>
#include <vector>

namespace cadre::detail::process_os {

/// The locations of the executable segments of the program and of its libraries, the program first; at most
/// `max_modules`.
[[nodiscard]] std::vector<module_record> loaded_modules(std::size_t max_modules);

/// The module that holds `address`, or null.
[[nodiscard]] const module_record* find_module(std::span<const module_record> modules, std::uint64_t address) noexcept;

}  // namespace cadre::detail::process_os
