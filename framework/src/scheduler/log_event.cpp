#include <cadre/log_handler.hpp>

#include <cstring>
#include <string>

#include <cadre/executor_backend.hpp>

namespace cadre {

namespace {

std::string title(const log_events::worker& w) {
    return "worker " + std::to_string(w.index) + " (pid " + std::to_string(w.pid) + ")";
}

// The high bits are the pid of the process that made the task.
std::string number_of(const log_events::task& t) { return '#' + std::to_string(t.id & ((std::uint64_t{1} << 40) - 1)); }

std::string title(const log_events::task& t) {
    return t.name.empty() ? "task " + number_of(t) : '\'' + t.name + "' " + number_of(t);
}

std::string seconds(std::chrono::nanoseconds t) {
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(t).count();
    return milliseconds % 1000 == 0 ? std::to_string(milliseconds / 1000) + " s" : std::to_string(milliseconds) + " ms";
}

std::string signal_name(int signal) {
    const char* const abbreviation = ::sigabbrev_np(signal);
    return abbreviation != nullptr ? "SIG" + std::string(abbreviation) : "signal " + std::to_string(signal);
}

struct event_formatter {
    std::string operator()(const log_events::executor_started& e) const {
        return "started, kind " + std::string(to_string(e.kind)) + ", " + std::to_string(e.workers) +
               (e.workers == 1 ? " worker" : " workers");
    }
    std::string operator()(const log_events::executor_stopped&) const { return "stopped"; }
    std::string operator()(const log_events::worker_started& e) const { return title(e.worker) + " started"; }
    std::string operator()(const log_events::worker_died& e) const {
        std::string text = title(e.worker);
        if (!e.violation.empty())
            text += " was killed because it " + e.violation;
        else if (e.killed)
            text += " was killed because a task had not ended in time";
        else if (!e.status_known)
            text += " terminated with unknown status";
        else if (e.signal != 0)
            text += " was killed by " + signal_name(e.signal);
        else
            text += " exited with status " + std::to_string(e.exit_code);
        if (e.out_of_memory) text += ", out of memory,";
        if (e.running.id != 0) text += " while it ran " + title(e.running);
        return text;
    }
    std::string operator()(const log_events::worker_replaced& e) const {
        return title(e.worker) + " replaces pid " + std::to_string(e.predecessor);
    }
    std::string operator()(const log_events::worker_left& e) const { return title(e.worker) + " exited as requested"; }
    std::string operator()(const log_events::limit_reached& e) const {
        std::string text = title(e.worker) + ": ";
        const bool has_task = e.task.id != 0;
        switch (e.limit) {
            case log_events::limit::time:
                return text + title(e.task) + " exceeded its time limit of " + seconds(e.allowed);
            case log_events::limit::memory:
                return text + (has_task ? title(e.task) + " reached the memory limit" : "reached its memory limit");
            case log_events::limit::soft_memory: return text + "exceeded its soft memory limit";
        }
        return text;
    }
    std::string operator()(const log_events::call_retried& e) const {
        return title(e.task) + " is repeated (" + std::to_string(e.retries_left) +
               (e.retries_left == 1 ? " retry left)" : " retries left)");
    }
};

}  // namespace

template <class... Events>
std::string detail::log_event_of<Events...>::text() const {
    std::string line = "executor '" + executor + "': " + std::visit(event_formatter{}, what);
    if (lost != 0) line += " (" + std::to_string(lost) + " events before this one were lost)";
    return line;
}

template std::string
detail::log_event_of<log_events::executor_started, log_events::executor_stopped, log_events::worker_started,
                     log_events::worker_died, log_events::worker_replaced, log_events::worker_left,
                     log_events::limit_reached, log_events::call_retried>::text() const;  // of log_event

}  // namespace cadre
