/// @file
/// What the supervisor does for a process that has died: finishes or undoes all it held.
#pragma once

#include "shm/plane_core.hpp"

namespace cadre::detail::shm {

/// The process must have ended, and its slot not be given away before this returns. One burial at a time.
void bury(plane_core& core, process_id dead) noexcept;

}  // namespace cadre::detail::shm
