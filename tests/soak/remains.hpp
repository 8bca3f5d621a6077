/// @file
/// The resources that a program still holds after it has ended its executors.
#pragma once

#include "ledger.hpp"

#include <cstddef>
#include <cstdint>

namespace cadre::soak {

struct remains {
    int descriptors = 0;
    std::uint64_t blocks = 0;   ///< of shared memory that somebody holds
    std::uint64_t objects = 0;  ///< channels, values and locks that live
    std::uint64_t processes = 0;  ///< slots of the process table in use
};
[[nodiscard]] remains count_remains();

/// Waits for a while until nothing more is held than `before`; else that is a fault.
void check_remains(const remains& before, ledger& book);

}  // namespace cadre::soak
