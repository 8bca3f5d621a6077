/// @file
/// Calls of every kind without end. Each must end once: rightly, or with an error of a type that is expected under
/// trouble.
#pragma once

#include "ledger.hpp"

#include <cadre/executor.hpp>
#include <cadre/task.hpp>

#include <atomic>

namespace cadre::soak {

/// One round of calls; returns when each has ended.
[[nodiscard]] task<void> run_round(executor ex, ledger& book, int round);

}  // namespace cadre::soak
