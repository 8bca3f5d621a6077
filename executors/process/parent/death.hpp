/// @file
/// Descriptions of a worker's end, as text and as errors.
#pragma once

#include "process/os/crash_page.hpp"
#include "process/os/worker_launcher.hpp"

#include <cadre/errors.hpp>

#include <exception>
#include <string>

namespace cadre::detail::process_parent {

/// The known facts about a worker's end.
struct death_notice {
    std::string worker;  ///< `worker 2 (pid 4711)`
    pid_t pid = 0;
    int signal = 0;
    int exit_code = 0;
    bool known = false;     ///< whether signal and exit code are known
    std::size_t peak_memory = 0;
    bool out_of_memory = false;  ///< an allocation had failed and it aborted or faulted
    std::string violation{};     ///< how it broke the call protocol, for which it was killed
    std::string output{};        ///< the end of its output, if that is captured
    process_os::crash_report report{};
};

/// The task that an error is about: its given name, which may be empty, and the text for messages.
struct task_label {
    std::string name;
    std::string text;  ///< `task 'resize'`; of a task without a name its function, `resize(image)`
    bool suspended = false;  ///< it did not run when its worker ended
};

[[nodiscard]] death_notice describe_death(std::string worker, const process_os::worker_exit& how,
                                          process_os::crash_report report);

/// `was killed by SIGSEGV (Segmentation fault)`, `exited with status 3`
[[nodiscard]] std::string describe_exit(const death_notice& d);

/// The end of an error's text: the captured output, or nothing.
[[nodiscard]] std::string last_output(const death_notice& d);

/// The error of the task that was running, or was its worker's only one: worker_crashed, or task_killed if it ran out
/// of memory.
[[nodiscard]] std::exception_ptr crash_error(const death_notice& d, const task_label& task, std::string stack);
/// The error of a task whose worker ended because of another task. `running`: it was not suspended.
[[nodiscard]] std::exception_ptr lost_error(const death_notice& d, const task_label& task, bool running);
[[nodiscard]] std::exception_ptr killed_error(const death_notice& d, const task_label& task, kill_reason why);

}  // namespace cadre::detail::process_parent
