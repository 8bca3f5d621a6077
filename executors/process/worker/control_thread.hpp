/// @file
/// The thread of a worker that handles the commands stop and quit while the loop computes, and checks the worker's
/// descriptors.
#pragma once

#include "process/plane/call_memory.hpp"
#include "process/worker/call_dispatcher.hpp"
#include "process/worker/descriptor_check.hpp"

#include <atomic>

namespace cadre::detail::process_worker {

class control_thread {
public:
    /// Starts the thread, which lives as long as the process. The command quit sets `quit` and wakes the loop drivers.
    static void start(const process_plane::call_memory& memory, call_dispatcher& dispatcher,
                      const descriptor_check& descriptors, std::atomic<bool>& quit);
};

}  // namespace cadre::detail::process_worker
