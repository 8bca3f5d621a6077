/// @file
/// Options of the serial executor: it has none yet.
///
///     cadre::executor ex = cadre::serial_executor{};
#pragma once

namespace cadre {

/// The serial executor is the loop of the thread that drives it; there is nothing to choose.
struct serial_options {};

}  // namespace cadre
