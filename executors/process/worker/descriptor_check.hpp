/// @file
/// Detects that a task closed the descriptors of its worker, as `closefrom(3)` does. Such a worker can neither be woken
/// nor wake its parent, and would not notice the end of the program: it exits.
#pragma once

#include "process/os/worker_spec.hpp"

#include <vector>

#include <sys/types.h>

namespace cadre::detail::process_worker {

/// Exit status of a worker whose descriptors were closed.
inline constexpr int lost_descriptors = 126;

/// Ends the worker, with a message on standard error.
[[noreturn]] void end_without_descriptors() noexcept;

class descriptor_check {
public:
    /// Remembers what the descriptors of the worker refer to.
    explicit descriptor_check(const process_os::worker_boot& boot);
    /// Ends the worker if one of them is closed or refers to something else, or if the program has ended.
    void run() const noexcept;

private:
    struct known {
        int descriptor;
        dev_t device;
        ino_t inode;
    };
    int lifeline_;
    std::vector<known> all_;
};

}  // namespace cadre::detail::process_worker
