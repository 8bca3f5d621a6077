/// @file
/// Random bytes from the kernel.
#pragma once

#include <cstddef>

namespace cadre::detail {

/// Fills `size` bytes with random ones. @throws std::system_error
void fill_random(void* bytes, std::size_t size);

}  // namespace cadre::detail
