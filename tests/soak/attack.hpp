/// @file
/// The attacks of a hostile worker on its parent and on the other workers.
#pragma once

namespace cadre::soak {

/// Runs in a worker: a choice of attacks that depends on `seed`, for about a tenth of a second. Ends by returning, by a
/// signal, by `_exit`, or not at all.
int attack(unsigned seed);

}  // namespace cadre::soak
