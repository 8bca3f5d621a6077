/// @file
/// How a worker breaks the call protocol.
#pragma once

#include <optional>
#include <string>

namespace cadre::detail::process_parent {

/// What the worker did, to follow its name, as in "sent a malformed nested call"; `nullopt`: it keeps to the protocol.
using protocol_violation = std::optional<std::string>;

}  // namespace cadre::detail::process_parent
