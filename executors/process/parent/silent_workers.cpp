#include "process/parent/silent_workers.hpp"

#include <algorithm>

namespace cadre::detail::process_parent {

namespace {

// A worker whose wake-up another process has consumed polls its rings after a second.
constexpr std::chrono::seconds min_silence_limit{2};
// A process on a busy machine, and an initializer, take longer.
constexpr std::chrono::seconds min_silence_limit_at_start{3};

// Calls are claimed in the order of the list.
bool has_task(const worker_connection& c) noexcept {
    return c.calls.front() != nullptr && c.link.claimed(c.calls.front()->position);
}

}  // namespace

time_point silent_workers::check(time_point now) noexcept {
    time_point next = time_point::max();
    if (task_timeout_.count() == 0) return next;
    for (worker_connection* c : workers_) {
        if (c->stage == worker_stage::dying || c->stage == worker_stage::leaving) continue;
        if (c->link.waiting_requests() == 0 || has_task(*c)) {
            c->silent_since = time_point::max();
            continue;
        }
        // The worker writes what it has passed: it can only pass what was published, and then has a task.
        if (c->silent_since == time_point::max() || c->silent_at != c->link.passed_requests()) {
            c->silent_since = now;
            c->silent_at = c->link.passed_requests();
        }
        const time_point end = c->silent_since + silence_limit(*c);
        if (now >= end)
            protocol_.end_worker(*c, "did not take the calls that were sent to it");
        else
            next = std::min(next, end);
    }
    return next;
}

std::chrono::nanoseconds silent_workers::silence_limit(const worker_connection& c) const noexcept {
    const std::chrono::nanoseconds minimum =
        c.stage == worker_stage::starting ? min_silence_limit_at_start : min_silence_limit;
    return std::max(task_timeout_, minimum);
}

}  // namespace cadre::detail::process_parent
