/// @file
/// Options of the serial executor; there are none yet.
///
///     cadre::executor ex = cadre::serial_executor{};
#pragma once

namespace cadre {

/// Empty: the serial executor has no thread and no setting of its own.
struct serial_options {};

}  // namespace cadre
