#include "process/parent/pool.hpp"

#include "process/parent/read_progress.hpp"

#include "process/parent/worker_report.hpp"
#include "process/parent/worker_trace.hpp"

#include <cadre/detail/coroutine/tracing.hpp>
#include <cadre/errors.hpp>
#include <cadre/executors/workers.hpp>

#include <algorithm>
#include <utility>

#include <unistd.h>

namespace cadre::detail::process_parent {

namespace {

// Events of one worker that are handled before the others have their turn and the ended calls are completed.
constexpr unsigned events_per_round = 128;
// A worker that never stops sending must not keep the supervisor from its deadlines.
constexpr unsigned max_rounds_of_supervisor = 2 * process_plane::event_slots / events_per_round;
// An idle worker leaves within a millisecond, unless what it runs at its end takes longer.
constexpr std::chrono::seconds least_leave_limit{2};

}  // namespace

pool::pool(const process_options& options, std::string name, pool_role role, work_registry& registry)
    : registry_(registry), status_(static_cast<std::size_t>(default_concurrency())),
      starter_(options, std::move(name), std::move(role), static_cast<std::uint32_t>(resolve_workers(options.workers)),
               {status_.descriptor(), deadlines_.bell()}),
      workers_(starter_.workers(), std::max<std::chrono::nanoseconds>(options.kill_grace, least_leave_limit)),
      unread_(workers_.capacity()),
      placement_(starter_.options(), starter_.executor_name(), workers_, status_, deadlines_),
      stops_(options.kill_grace, placement_, deadlines_), nested_(*this, stops_, deadlines_), home_(starter_.home()),
      protocol_(workers_, placement_, nested_, home_, dumps_),
      limits_(workers_, placement_, stops_, protocol_, deadlines_), silent_(workers_, protocol_, options.task_timeout),
      lifecycle_(workers_, placement_, death_recovery(registry, options, workers_, placement_, nested_),
                 starter_.executor_name(), static_cast<bool>(options.initializer)) {}

void pool::submit(std::span<portable_call* const> calls, bool nested) noexcept {
    ended_calls ended;
    if (!here()) {
        for (portable_call* call : calls)
            ended.push_back({call, failure_reply(std::make_exception_ptr(executor_stopped()))});
        return complete_all(ended);
    }
    {
        const std::lock_guard hold(calls_mutex_);
        for (portable_call* call : calls)
            placement_.enqueue(*call, nested, ended);
        placement_.place_queued_calls(ended);
        if (lifecycle_.hopeless()) deadlines_.wake_supervisor();
    }
    complete_all(ended);
}

void pool::request_stop(portable_call& call, stop_reason why) noexcept {
    if (!here()) return;
    const std::lock_guard hold(calls_mutex_);
    if (call.backend_data == nullptr) return;  // has ended
    stops_.request_deferred(*static_cast<call_record*>(call.backend_data), why);
}

bool pool::progress_of(const portable_call& call, std::size_t known_results, std::size_t known_errors,
                       chunk_progress_report& report) {
    if (!here()) return false;
    const std::lock_guard hold(calls_mutex_);
    if (call.backend_data == nullptr) return false;
    return read_progress(*static_cast<const call_record*>(call.backend_data), known_results, known_errors, report);
}

void pool::request_stop_all(stop_reason why) noexcept {
    if (!here()) return;
    // Deferred, so that one thread completes calls: another one may be about to pass on items that a call has returned.
    const std::lock_guard hold(calls_mutex_);
    placement_.for_each_call([&](call_record& r) { stops_.request_deferred(r, why); });
}

void pool::reply_to_nested_call(nested_call& call, call_reply reply) noexcept {
    const byte_buffer body = nested_calls::encode_body(reply);
    const std::lock_guard hold(calls_mutex_);
    nested_.reply(call, reply, body);
}

void pool::answer_from_home(std::uint64_t worker, std::uint64_t ticket, std::span<const std::byte> body) noexcept {
    const std::lock_guard hold(calls_mutex_);
    worker_connection* const c = workers_.find(worker);
    if (c == nullptr || c->stage == worker_stage::dying) return;
    // Its task would wait without end.
    if (!c->link.answer(ticket, body)) return c->kill();
    if (c->link.flush()) deadlines_.tick_soon();
    c->link.ring();
}

void pool::abandon(std::uint64_t worker) noexcept {
    const std::lock_guard hold(calls_mutex_);
    if (worker_connection* const c = workers_.find(worker); c != nullptr && c->stage != worker_stage::dying) c->kill();
}

bool pool::poll() noexcept {
    if (!unread_.any()) return false;
    const std::unique_lock draining(drain_mutex_, std::try_to_lock);
    if (!draining) return true;
    unread_.refresh(workers_);
    return drain(1);
}

void pool::drain_all() noexcept {
    const std::lock_guard draining(drain_mutex_);
    (void)drain(max_rounds_of_supervisor);
}

bool pool::drain(unsigned max_rounds) noexcept {
    bool any = false;
    for (; max_rounds != 0; --max_rounds) {
        // Pairs with event_sender::notify: a worker checks that its last urgent message was taken before it rings
        // again.
        process_plane::full_fence();
        if (!workers_.events_ready()) break;
        any = true;
        trace_workers();
        {
            const std::lock_guard hold(calls_mutex_);
            protocol_.handle_all_events(events_per_round, drained_);
            placement_.place_queued_calls(drained_);
            if (!deadlines_.ticks_soon() && placement_.rebalance_wanted()) deadlines_.tick_soon();
        }
        home_.pass_on();
        read_outputs();
        complete_all(drained_);
        nested_.start_received();
    }
    return any;
}

// Before the events: a call has then begun, in the trace, before it has ended.
void pool::trace_workers() noexcept {
    if (!tracing()) return;
    for (worker_connection* c : workers_)
        trace_worker(*c);
}

// A worker writes what a task prints before it publishes the result: after a result was taken, its output is in the
// pipe.
void pool::read_outputs() noexcept {
    if (drained_.empty() || !starter_.output_piped()) return;
    for (worker_connection* c : workers_)
        if (c->output) static_cast<void>(c->output->read());
}

// A thread that holds the lock may have polled a worker's ring before its last event.
void pool::set_loop_busy() noexcept {
    set_loop_state(process_plane::loop_state::busy);
    if (!unread_.any()) return;
    const std::unique_lock draining(drain_mutex_, std::try_to_lock);
    if (draining)
        (void)drain(1);
    else
        deadlines_.wake_supervisor();
}

bool pool::expects_soon() noexcept {
    if (!placement_.any_placed() || !status_.core_spare()) return false;
    // A loop that spins on the core of its worker prevents the worker from running.
    const std::int32_t here = process_plane::current_cpu();
    return unread_.visit(
        [here](const worker_connection& c) { return c.link.control().cpu.load(std::memory_order_relaxed) != here; });
}

void pool::quit(std::function<void()> quit_done) noexcept {
    {
        std::unique_lock hold(calls_mutex_);
        if (!lifecycle_.quit(quit_done)) {
            hold.unlock();
            if (quit_done) quit_done();
            return;
        }
    }
    deadlines_.wake_supervisor();
}

std::string pool::dump_tasks(std::chrono::nanoseconds limit) {
    if (!here()) return {};
    const auto deadline = std::chrono::steady_clock::now() + limit;
    const auto one = dumps_.hold();
    std::vector<task_dumps::target> targets;
    process_plane::event e{};
    e.kind = process_plane::event_kind::dump;
    e.id = dumps_.begin();
    e.items = static_cast<std::uint32_t>(::getpid());
    {
        const std::lock_guard hold(calls_mutex_);
        for (worker_connection* c : workers_) {
            if (c->stage == worker_stage::leaving || c->stage == worker_stage::dying) continue;
            targets.push_back({c->serial, c->title()});
            c->link.send_command(e);
        }
    }
    return dumps_.collect(targets, deadline);
}

pool_load pool::load() const noexcept {
    if (!here()) return {};
    const std::lock_guard hold(calls_mutex_);
    return {.queued = placement_.queued(), .restarts = lifecycle_.restarts()};
}

executor_stats pool::stats() const {
    executor_stats s;
    s.submitted = registry_.entered();
    s.running = registry_.live();
    s.completed = s.done = s.submitted - s.running;
    s.round_trips = registry_.round_trips();
    if (!here()) return s;
    {
        const std::lock_guard hold(calls_mutex_);
        s.queued = placement_.queued();
        s.failed = placement_.failed();
        s.retried = placement_.retried();
        s.restarts = lifecycle_.restarts();
        s.workers = workers_.size();
        for (const worker_connection* c : workers_)
            s.per_worker.push_back(describe_worker(placement_, *c));
    }
    for (worker_stats& w : s.per_worker)
        read_memory(w);
    return s;
}

}  // namespace cadre::detail::process_parent
