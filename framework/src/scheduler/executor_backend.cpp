#include <cadre/executor_backend.hpp>

#include <memory>
#include <stdexcept>
#include <utility>

#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/detail/scheduler/timer_service.hpp>
#include <cadre/errors.hpp>

#include "state/heap_domain.hpp"

namespace cadre {

namespace {

/// Asks everything that is still running to stop when the deadline of a shutdown passes. Owns itself: freed when both
/// the work has ended and the timer is out of the way.
struct shutdown_alarm : detail::timer_node, std::enable_shared_from_this<shutdown_alarm> {
    std::shared_ptr<executor_backend> backend;
    std::shared_ptr<shutdown_alarm> self;
};

}  // namespace

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

executor_backend::executor_backend() : heap_(std::make_unique<detail::heap_domain>()) {}
executor_backend::~executor_backend() = default;

executor_stats executor_backend::stats() const {
    executor_stats s;
    s.submitted = registry_.entered();
    s.running = registry_.live();
    s.completed = s.submitted - s.running;
    s.workers = concurrency();
    return s;
}

void executor_backend::submit(std::span<detail::portable_call* const> calls) noexcept {
    for (detail::portable_call* call : calls) {
        detail::call_reply reply;
        reply.kind = detail::reply_kind::failure;
        reply.error = std::make_exception_ptr(not_portable("executor '" + name() + "' runs no portable calls"));
        call->complete(std::move(reply));
    }
}

void executor_backend::request_stop(detail::portable_call&, detail::stop_reason) noexcept {}
detail::memory_domain* executor_backend::domain() noexcept { return remote() ? nullptr : heap_.get(); }
detail::timer_service& executor_backend::timers() noexcept { return detail::default_timers(); }
void* executor_backend::query(const std::type_info&) noexcept { return nullptr; }
void executor_backend::request_stop() noexcept { registry_.request_stop(); }

void executor_backend::shutdown(std::chrono::steady_clock::time_point deadline, std::function<void()> done) {
    auto alarm = std::make_shared<shutdown_alarm>();
    alarm->backend = shared_from_this();
    alarm->when = deadline;
    alarm->self = alarm;
    alarm->fire = [](detail::timer_node* node) noexcept {
        auto keep = std::move(static_cast<shutdown_alarm*>(node)->self);
        keep->backend->registry().request_stop(detail::stop_reason::deadline);
    };
    detail::default_timers().add(*alarm);
    registry_.close([alarm, done = std::move(done)] {
        if (detail::default_timers().cancel(*alarm)) alarm->self.reset();
        alarm->backend->heap_->stop();
        if (done) done();
    });
}

}  // namespace cadre
