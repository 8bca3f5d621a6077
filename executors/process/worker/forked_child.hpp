/// @file
/// Ends processes that a task forked and that leave the task instead of calling exec or _exit.
#pragma once

#include "base/process_owner.hpp"

namespace cadre::detail::process_worker {

extern const process_owner* worker_process;  // null before `note_worker_process`

/// This process is the worker; forks of it are not.
void note_worker_process();
[[noreturn]] void end_forked_child() noexcept;

/// Called before any message of the worker: a fork must not reply for the task of its parent.
inline void end_if_forked() noexcept {
    if (worker_process != nullptr && !worker_process->here()) [[unlikely]]
        end_forked_child();
}

}  // namespace cadre::detail::process_worker
