/// @file
/// The thread of a worker that passes on what must be seen while its loop computes: stop requests, and the end.
#pragma once

#include "process/plane/call_memory.hpp"
#include "process/worker/call_dispatcher.hpp"

#include <atomic>

namespace cadre::detail::process_worker {

class control_thread {
public:
    /// Starts it; it lives as long as the process. `quit` is set, and the drivers woken, when the parent says so.
    static void start(const process_plane::call_memory& memory, call_dispatcher& runner, std::atomic<bool>& quit);
};

}  // namespace cadre::detail::process_worker
