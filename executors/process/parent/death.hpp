/// @file
/// A worker's death in words and as errors.
#pragma once

#include "process/os/crash_page.hpp"
#include "process/os/worker_launcher.hpp"

#include <cadre/errors.hpp>

#include <exception>
#include <string>

namespace cadre::detail::process_parent {

/// What is known of it. Copied into the error of each call that it ended.
struct death_notice {
    std::string worker;  ///< `worker 2 (pid 4711)`
    pid_t pid = 0;
    int signal = 0;
    int exit_code = 0;
    bool known = false;     ///< whether signal and exit code are
    std::size_t peak_memory = 0;
    bool out_of_memory = false;  ///< an allocation had failed and it aborted or faulted
    std::string violation{};     ///< how it broke the protocol of the call plane, which is why it was killed
    std::string output{};        ///< the last that it wrote, if that was captured
    process_os::crash_report report{};
};

/// The task that an error is about: the name it was given, which may be empty, and how a sentence refers to it.
struct task_label {
    std::string name;
    std::string text;  ///< `task 'resize'`; of a task without a name its function, `resize(image)`
};

[[nodiscard]] death_notice describe_death(std::string worker, const process_os::worker_exit& how,
                                          process_os::crash_report report);

/// `was killed by SIGSEGV (Segmentation fault)`, `exited with status 3`
[[nodiscard]] std::string how_it_ended(const death_notice& d);

/// The error of the task that was running: worker_crashed, or task_killed if it ran out of memory.
[[nodiscard]] std::exception_ptr crash_error(const death_notice& d, const task_label& task, std::string stack);
/// The error of a task that its worker took with it for another one's sake. `running`: it was not suspended.
[[nodiscard]] std::exception_ptr lost_error(const death_notice& d, const task_label& task, bool running);
[[nodiscard]] std::exception_ptr killed_error(const death_notice& d, const task_label& task, kill_reason why);

}  // namespace cadre::detail::process_parent
