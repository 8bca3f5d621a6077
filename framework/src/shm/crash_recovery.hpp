/// @file
/// Recovery from the death of a process: completes or reverts its operations and releases what it held.
#pragma once

#include "shm/plane_core.hpp"

namespace cadre::detail::shm {

/// Supervisor. The process has ended, and its slot is not reused before this returns. One call at a time.
void recover(plane_core& core, process_id dead) noexcept;

}  // namespace cadre::detail::shm
