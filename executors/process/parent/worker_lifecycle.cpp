#include "process/parent/worker_lifecycle.hpp"

#include "process/parent/reports.hpp"
#include "process/parent/worker_trace.hpp"

#include <cadre/errors.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <utility>

namespace cadre::detail::process_parent {

namespace {

// Between attempts to start a worker.
constexpr std::chrono::milliseconds first_pause{10};
constexpr std::chrono::milliseconds longest_pause{500};
// So many failed starts in a row last some seconds.
constexpr unsigned reported_failures = 12;

}  // namespace

bool worker_lifecycle::may_start(time_point now, ended_calls& ended) noexcept {
    if (workers_.quitting() || gave_up_with_ != nullptr) return false;
    if (workers_.failed_initializers() > workers_.capacity() + 1) {
        give_up(start_failure_.error, ended);
        return false;
    }
    if (hopeless() && !workers_.empty()) return false;
    return workers_.failed_starts() == 0 || now >= next_start_;
}

time_point worker_lifecycle::next_start() const noexcept {
    const bool missing = workers_.size() != workers_.capacity();
    if (!missing || workers_.quitting() || gave_up_with_ != nullptr) return time_point::max();
    if (hopeless() && (!workers_.empty() || !placement_.any_queued())) return time_point::max();
    return workers_.failed_starts() == 0 ? time_point{} : next_start_;
}

bool worker_lifecycle::hopeless() const noexcept {
    return workers_.failed_starts() != 0 && failures_.lasting() && !workers_.any_ready();
}

void worker_lifecycle::start_failed(start_failure why, bool by_initializer, ended_calls& ended) noexcept {
    const time_point now = std::chrono::steady_clock::now();
    if (workers_.failed_starts() == 0) failures_.clear();
    workers_.count_failed_start(by_initializer);
    start_failure_ = std::move(why);
    failures_.add(start_failure_, workers_.ever_ready(), now);
    const unsigned failed = workers_.failed_starts();
    const auto pause =
        std::min<std::chrono::nanoseconds>(first_pause * (1U << std::min(failed - 1, 10U)), longest_pause);
    next_start_ = now + pause;
    if (failed == reported_failures && !by_initializer) report_failures();
    if (hopeless() && !by_initializer) placement_.fail_queued_calls(cannot_start(executor_, start_failure_), ended);
}

void worker_lifecycle::report_failures() const noexcept {
    try {
        std::rethrow_exception(start_failure_.error);
    } catch (const std::exception& e) {
        std::fprintf(stderr,
                     "cadre: executor '%.*s': failed to start a worker after %u attempts (still retrying): %s\n",
                     static_cast<int>(executor_.size()), executor_.data(), reported_failures, e.what());
    }
}

void worker_lifecycle::worker_ended(worker_connection& c, const process_os::worker_exit& exit, ended_calls& ended,
                                    death_recovery::crashed_calls& crashed) {
    const bool left = c.stage == worker_stage::leaving && c.violation.empty();
    // The events of a call that it has run may have delayed its `ready` event.
    (void)c.link.waiting_requests();
    const bool has_started = c.was_ready || c.link.passed_requests() != 0;
    const log_events::task running = event_log::wanted() ? running_task_of(placement_, c) : log_events::task{};
    const auto death = recovery_.recover(c, exit, ended, crashed);
    if (!left) ++restarts_;
    trace_worker_end(c, *death);
    report_end(placement_, c, left ? nullptr : death, running);
    if (!has_started && !left && !workers_.quitting()) {
        // Nothing in a worker sends SIGKILL: it was killed from outside, or for lack of memory.
        const bool by_initializer =
            c.start_error != nullptr || (has_initializer_ && death->report.initializing &&
                                         (!c.violation.empty() || (death->known && death->signal != SIGKILL)));
        start_failure why;
        if (c.start_error != nullptr)
            why.error = c.start_error;
        else if (by_initializer)
            why.error = crash_error(*death, {"initializer", "its initializer"}, {});
        else
            why = early_death(*death);
        start_failed(std::move(why), by_initializer, ended);
    }
    // Calls that were requeued have no worker to go to.
    if (gave_up_with_ != nullptr) give_up(gave_up_with_, ended);
}

void worker_lifecycle::worker_started(const worker_connection& c) noexcept {
    trace_worker_start(c, executor_);
    report_start(placement_, c, std::exchange(pids_[c.index], c.os.pid));
}

void worker_lifecycle::give_up(const std::exception_ptr& reason, ended_calls& ended) noexcept {
    gave_up_with_ = reason;
    placement_.close(reason);
    placement_.fail_queued_calls(gave_up_with_, ended);
}

bool worker_lifecycle::quit(callback& done) {
    if (finished_) return false;
    if (done) on_finish_.push_back(std::move(done));
    if (workers_.quitting()) return true;
    if (!placement_.closed()) placement_.close(std::make_exception_ptr(executor_stopped()));
    workers_.quit();
    return true;
}

bool worker_lifecycle::finish(std::vector<callback>& done) noexcept {
    if (!workers_.quitting() || !workers_.empty()) return false;
    finished_ = true;
    done = std::exchange(on_finish_, {});
    return true;
}

}  // namespace cadre::detail::process_parent
