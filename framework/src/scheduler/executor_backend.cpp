#include <cadre/executor_backend.hpp>

#include <utility>

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
    s.completed = s.submitted - s.running;
    s.workers = concurrency();
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
void executor_backend::request_stop() noexcept { registry_.request_stop(); }

void executor_backend::shutdown(std::chrono::steady_clock::time_point deadline, std::function<void()> done) {
    std::shared_ptr<executor_backend> self = shared_from_this();
    auto alarm = detail::shutdown_alarm::arm(deadline, [self] { self->registry_.request_stop(stop_reason::deadline); });
    registry_.close([self = std::move(self), alarm = std::move(alarm), done = std::move(done)] {
        alarm->cancel();
        self->stop_objects();
        if (done) done();
    });
}

}  // namespace cadre
