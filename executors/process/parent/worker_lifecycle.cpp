#include "process/parent/worker_lifecycle.hpp"

#include <cadre/errors.hpp>

#include <chrono>
#include <utility>

namespace cadre::detail::process_parent {

namespace {

// An idle worker leaves within a millisecond.
constexpr std::chrono::seconds leave_limit{2};

}  // namespace

bool worker_lifecycle::may_start(ended_calls& ended) noexcept {
    if (workers_.quitting() || gave_up_with_ != nullptr) return false;
    if (workers_.failed_starts() <= workers_.capacity() + 1) return true;
    give_up(start_error_, ended);
    return false;
}

void worker_lifecycle::start_failed(std::exception_ptr error) noexcept {
    workers_.count_failed_start();
    start_error_ = std::move(error);
}

void worker_lifecycle::worker_ended(worker_connection& c, const process_os::worker_exit& exit, ended_calls& ended,
                                    death_recovery::crashed_calls& crashed) {
    const bool left = c.stage == worker_stage::leaving && c.violation.empty();
    const auto death = recovery_.recover(c, exit, ended, crashed);
    if (!left) ++restarts_;
    if (!c.was_ready && !left && !workers_.quitting())
        start_failed(c.start_error != nullptr ? c.start_error
                                              : crash_error(*death, {"initializer", "its initializer"}, {}));
    // Calls that were requeued have no worker to go to.
    if (gave_up_with_ != nullptr) give_up(gave_up_with_, ended);
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
    kill_time_ = std::chrono::steady_clock::now() + leave_limit;
    workers_.quit();
    return true;
}

bool worker_lifecycle::finish(std::vector<callback>& done) noexcept {
    if (!workers_.quitting() || !workers_.empty()) return false;
    finished_ = true;
    done = std::exchange(on_finish_, {});
    return true;
}

void worker_lifecycle::kill_overdue(time_point now) noexcept {
    if (now < kill_time_) return;
    for (worker_connection* c : workers_)
        if (c->stage != worker_stage::dying) c->kill();
}

}  // namespace cadre::detail::process_parent
