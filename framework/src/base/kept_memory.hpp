/// @file
/// The memory that `free_large` keeps for the next messages.
#pragma once

namespace cadre::detail {

/// Gives it back to the system, for a process that is short of memory. @return whether there was any
bool release_kept_memory() noexcept;

}  // namespace cadre::detail
