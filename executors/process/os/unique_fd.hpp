/// @file
/// The owner of the descriptors of the process executor.
#pragma once

#include <cadre/unique_fd.hpp>

namespace cadre::detail::process_os {

using cadre::unique_fd;

}  // namespace cadre::detail::process_os
