/// @file
/// Destruction of executors on a thread of its own, if the thread that dropped the last handle must not wait.
#pragma once

#include <chrono>
#include <functional>

namespace cadre::detail {

/// Runs `destroy` on a thread of its own.
void defer_destruction(std::function<void()> destroy);

/// Waits up to `limit` until all deferred destructions are complete, so that workers leave by themselves and their output is
/// not lost. @return whether they are
bool wait_for_deferred_destruction(std::chrono::steady_clock::duration limit);

}  // namespace cadre::detail
