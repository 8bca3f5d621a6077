#include "process/parent/reports.hpp"

#include <new>
#include <utility>

#include <cadre/executor_backend.hpp>

namespace cadre::detail::process_parent {

namespace {

log_events::worker as_event(const worker_connection& c) { return {c.index, c.os.pid}; }
log_events::task as_event(const placement& calls, const call_record& r) { return {r.id, short_name(calls, r)}; }

// Without memory the event is lost.
template <class Make>
void post(const std::string& executor, Make make) noexcept {
    if (!event_log::wanted()) return;
    try {
        event_log::post(executor, make());
    } catch (const std::bad_alloc&) {
    }
}

}  // namespace

void report_executor_started(const std::string& name, std::size_t workers) noexcept {
    post(name, [&] { return log_events::executor_started{executor_kind::process, workers}; });
}

void report_executor_stopped(const std::string& name) noexcept {
    post(name, [] { return log_events::executor_stopped{executor_kind::process}; });
}

void report_start(const placement& calls, const worker_connection& c, pid_t predecessor) noexcept {
    post(calls.executor_name(), [&] { return log_events::worker_started{as_event(c)}; });
    if (predecessor != 0)
        post(calls.executor_name(), [&] { return log_events::worker_replaced{as_event(c), predecessor}; });
}

void report_end(const placement& calls, const worker_connection& c, std::shared_ptr<const death_notice> death,
                const log_events::task& running) noexcept {
    if (!event_log::wanted()) return;
    if (death == nullptr) return post(calls.executor_name(), [&] { return log_events::worker_left{as_event(c)}; });
    try {
        log_events::worker_died e{.worker = as_event(c),
                                  .status_known = death->known,
                                  .signal = death->signal,
                                  .exit_code = death->exit_code,
                                  .out_of_memory = death->out_of_memory,
                                  .killed = c.killed,
                                  .violation = death->violation,
                                  .peak_memory = death->peak_memory,
                                  .running = running};
        if (death->report.frames.empty()) return event_log::post(calls.executor_name(), std::move(e));
        event_log::post(calls.executor_name(), std::move(e), [death = std::move(death)](event_log::event& what) {
            std::get<log_events::worker_died>(what).stack = process_os::resolve_crash_stack(death->report);
        });
    } catch (const std::bad_alloc&) {
    }
}

void report_time_limit(const placement& calls, const call_record& r) noexcept {
    post(calls.executor_name(), [&] {
        return log_events::limit_reached{log_events::limit::time, as_event(*r.worker), as_event(calls, r),
                                         r.limit.allowed};
    });
}

void report_memory_limit(const placement& calls, worker_connection& c, const call_record* r, bool hard) noexcept {
    // Each call that exceeds the limit is one event; the worker retires because of these calls.
    if (r == nullptr && std::exchange(c.memory_reported, true)) return;
    c.memory_reported = true;
    post(calls.executor_name(), [&] {
        return log_events::limit_reached{hard ? log_events::limit::memory : log_events::limit::soft_memory,
                                         as_event(c),
                                         r == nullptr ? log_events::task{} : as_event(calls, *r),
                                         {}};
    });
}

void report_retry(const placement& calls, const call_record& r) noexcept {
    post(calls.executor_name(), [&] { return log_events::call_retried{as_event(calls, r), r.retries}; });
}

log_events::task running_task_of(const placement& calls, const worker_connection& c) {
    const std::uint64_t running = c.link.running();
    for (const call_record& r : c.calls)
        if (running != 0 && r.id == running) return as_event(calls, r);
    return {};
}

std::string without_parameters(std::string name) {
    if (name.starts_with("a task")) return "task";
    if (name.starts_with("the ")) name.erase(0, 4);
    if (!name.ends_with(')')) return name;
    std::size_t open = 0;
    for (std::size_t i = name.size(); i-- != 0;) {
        if (name[i] == ')') ++open;
        if (name[i] == '(' && --open == 0) return i != 0 ? name.substr(0, i) : name;
    }
    return name;
}

std::string short_name(const placement& calls, const call_record& r) {
    const task_label task = calls.label(r);
    return task.name.empty() ? without_parameters(task.text) : task.name;
}

}  // namespace cadre::detail::process_parent
