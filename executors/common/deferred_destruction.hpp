/// @file
/// Destruction of executors on a thread of its own, if the thread that dropped the last handle must not wait.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace cadre::detail {

/// Runs `destroy` on a new thread. @param what the name of the object that is destroyed, for messages
void defer_destruction(std::string what, std::function<void()> destroy);

/// Waits up to `limit` until all deferred destructions are complete, so that workers leave by themselves and their
/// output is not lost. After three seconds a line on stderr names what has not ended. @return whether they are
bool wait_for_deferred_destruction(std::chrono::steady_clock::duration limit);

}  // namespace cadre::detail
