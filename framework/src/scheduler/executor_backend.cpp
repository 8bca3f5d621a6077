#include <cadre/executor_backend.hpp>

#include <utility>

#include "event_log.hpp"

#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/detail/scheduler/shutdown_alarm.hpp>
#include <cadre/detail/scheduler/timer_service.hpp>
#include <cadre/errors.hpp>

namespace cadre {

const char* to_string(executor_kind kind) noexcept {
    switch (kind) {
        case executor_kind::serial: return "serial";
        case executor_kind::thread: return "thread";
        case executor_kind::process: return "process";
        case executor_kind::mpi: return "mpi";
        case executor_kind::cluster: return "cluster";
        case executor_kind::custom: return "custom";
    }
    return "unknown";
}

executor_stats executor_backend::stats() const {
    executor_stats s;
    s.submitted = registry_.entered();
    s.running = registry_.live();
    s.completed = s.done = s.submitted - s.running;
    s.workers = concurrency();
    s.round_trips = registry_.round_trips();
    return s;
}

void executor_backend::submit(std::span<portable_call* const> calls) noexcept {
    for (portable_call* call : calls) {
        detail::call_reply reply;
        reply.kind = detail::reply_kind::failure;
        reply.error = std::make_exception_ptr(not_portable("executor '" + name() + "' runs no portable calls"));
        call->complete(std::move(reply));
    }
}

bool executor_backend::hand_over(work_item&) noexcept { return false; }
void executor_backend::request_stop(portable_call&, stop_reason) noexcept {}
timer_service& executor_backend::timers() noexcept { return detail::default_timers(); }
void* executor_backend::query(const std::type_info&) noexcept { return nullptr; }
void executor_backend::report_started() noexcept {
    reported_.store(true, std::memory_order_relaxed);
    if (!detail::event_log::wanted()) return;
    detail::event_log::post(name(), log_events::executor_started{kind(), concurrency()});
}

void executor_backend::report_stopped() noexcept {
    if (!reported_.exchange(false, std::memory_order_relaxed) || !detail::event_log::wanted()) return;
    detail::event_log::post(name(), log_events::executor_stopped{kind()});
}

void executor_backend::request_stop() noexcept { registry_.request_stop(); }

void executor_backend::shutdown(std::chrono::steady_clock::time_point deadline, std::function<void()> done) {
    if (registry_.foreign()) {
        if (done) done();
        return;
    }
    std::shared_ptr<executor_backend> self = shared_from_this();
    auto alarm = detail::shutdown_alarm::arm(deadline, [self] { self->registry_.request_stop(stop_reason::deadline); });
    registry_.close([self = std::move(self), alarm = std::move(alarm), done = std::move(done)] {
        alarm->cancel();
        self->stop_objects();
        self->report_stopped();
        if (done) done();
    });
}

}  // namespace cadre
