#include "process/parent/death.hpp"

#include <csignal>
#include <cstring>
#include <utility>

#include <sys/wait.h>

namespace cadre::detail::process_parent {

death_notice describe_death(std::string worker, const process_os::worker_exit& how, process_os::crash_report report) {
    death_notice d;
    d.worker = std::move(worker);
    d.pid = how.pid;
    d.known = how.status_known;
    if (d.known && WIFSIGNALED(how.status)) d.signal = WTERMSIG(how.status);
    if (d.known && WIFEXITED(how.status)) d.exit_code = WEXITSTATUS(how.status);
    if (!d.known && report.signal != 0) {
        d.signal = report.signal;
        d.known = true;
    }
    d.peak_memory = how.max_rss;
    d.out_of_memory = report.allocation_failed && (d.signal == SIGABRT || d.signal == SIGSEGV);
    d.report = std::move(report);
    return d;
}

std::string describe_exit(const death_notice& d) {
    if (!d.known) return "terminated with unknown status";
    if (d.signal == 0) return "exited with status " + std::to_string(d.exit_code);
    const char* const abbreviation = ::sigabbrev_np(d.signal);
    const char* const text = ::sigdescr_np(d.signal);
    std::string words = "was killed by ";
    words += abbreviation != nullptr ? "SIG" + std::string(abbreviation) : "signal " + std::to_string(d.signal);
    if (text != nullptr) words += " (" + std::string(text) + ")";
    return words;
}

std::string last_output(const death_notice& d) {
    return d.output.empty() ? std::string() : "; last output:\n" + d.output;
}

std::exception_ptr crash_error(const death_notice& d, const task_label& task, std::string stack) {
    if (d.out_of_memory) return killed_error(d, task, kill_reason::memory_limit);
    const std::string state =
        task.suspended ? " while " + task.text + " was suspended in it" : " while running " + task.text;
    std::string text = d.violation.empty() ? d.worker + " " + describe_exit(d) + state
                                           : d.worker + " " + d.violation + " and was killed with " + task.text;
    text += last_output(d);
    worker_death facts;
    facts.pid = d.pid;
    facts.signal = d.signal;
    facts.exit_code = d.exit_code;
    facts.task_name = task.name;
    facts.stack_trace = std::move(stack);
    facts.peak_memory = d.peak_memory;
    return std::make_exception_ptr(worker_crashed(text, std::move(facts)));
}

std::exception_ptr lost_error(const death_notice& d, const task_label& task, bool running) {
    const std::string was = running ? " because of another task while running " + task.text
                                    : " while " + task.text + " was suspended in it";
    return std::make_exception_ptr(
        worker_lost(d.worker + " " + describe_exit(d) + was + last_output(d), d.pid, task.name));
}

std::exception_ptr killed_error(const death_notice& d, const task_label& task, kill_reason why) {
    std::string text;
    switch (why) {
        case kill_reason::time_limit:
            text = task.text + " exceeded its time limit and was killed with " + d.worker;
            break;
        case kill_reason::memory_limit:
            text = task.text + " ran out of memory and " + d.worker + " " + describe_exit(d);
            break;
        case kill_reason::shutdown:
            text = task.text + " had not ended at the shutdown deadline and was killed with " + d.worker;
            break;
        case kill_reason::requested: text = task.text + " was killed on request, with " + d.worker; break;
    }
    return std::make_exception_ptr(task_killed(text + last_output(d), why, d.pid));
}

}  // namespace cadre::detail::process_parent
