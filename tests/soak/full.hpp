/// @file
/// How much of a soak test runs: a part as a test, all of it under `./run tests --soak`.
#pragma once

#include <cstdlib>

namespace cadre::soak {

template <class T>
[[nodiscard]] T part_or_all(T part, T all) {
    return std::getenv("CADRE_SOAK_ALL") != nullptr ? all : part;
}

}  // namespace cadre::soak
