/// @file
/// Executors that are taken apart by a thread of their own, because the one that dropped the last handle must not wait.
#pragma once

#include <chrono>
#include <functional>

namespace cadre::detail {

/// Runs `work` on a thread of its own.
void take_apart(std::function<void()> work);

/// Waits until all of them are through, so that workers leave by themselves and their output is not lost: at most `limit`.
/// @return whether they are
bool wait_for_deferred_destruction(std::chrono::steady_clock::duration limit);

}  // namespace cadre::detail
