/// @file
/// Recovery from the death of a process: completes or reverts its operations and releases what it held.
#pragma once

#include <bitset>

#include "shm/plane_core.hpp"

namespace cadre::detail::shm {

/// By slot; private memory.
using process_set = std::bitset<max_slots>;

/// Supervisor. The process has ended, and its slot is not reused before this returns. One call at a time. Adds those
/// processes to `waiting` that wait for any object: the recovery may have made any operation possible.
void recover(plane_core& core, process_id dead, process_set& waiting) noexcept;

}  // namespace cadre::detail::shm
