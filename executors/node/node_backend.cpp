#include "node/node_backend.hpp"

#include "base/host_name.hpp"
#include "base/signals_blocked.hpp"
#include "common/deferred_destruction.hpp"
#include "node/hello.hpp"
#include "node/local_call.hpp"
#include "node/local_home.hpp"
#include "node/raw_results.hpp"
#include "state/home_domains.hpp"

#include <cadre/detail/codec/call_name.hpp>
#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/scheduler/shutdown_alarm.hpp>
#include <cadre/errors.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace cadre::detail::node {

namespace {

// How long a shutdown waits for the agents to leave.
constexpr std::chrono::seconds leave_limit{10};

}  // namespace

node_settings settings_of_hosts(executor_kind kind, const process_options& host) {
    node_settings settings;
    settings.kind = kind;
    settings.name = host.name.empty() ? to_string(kind) : std::string(host.name);
    settings.host = host_name();
    settings.pool = host;
    settings.pool.name = {};
    return settings;
}

node_backend::node_backend(node_settings settings, std::unique_ptr<node_link> link)
    : settings_(std::move(settings)), identity_(executor_identity::make()), link_(std::move(link)),
      home_(std::make_shared<home_domain>(identity_)), objects_(home_, *this), placement_(link_->redelivers()),
      epoch_(executor_identity::make().low) {
    registry().bind_to_process();
}

std::shared_ptr<node_backend> node_backend::create(node_settings settings, std::unique_ptr<node_link> link) {
    std::shared_ptr<node_backend> made(new node_backend(std::move(settings), std::move(link)), &release);
    made->start();
    register_portable_executor(made->identity_, made);
    register_home_domain(made->identity_, made->home_);
    made->report_started();
    return made;
}

// The last handle may be dropped by an event of the link or in the local pool, where a call is completed.
void node_backend::release(node_backend* last) noexcept {
    if (last->registry().foreign()) return;  // a fork: the threads and the link are its parent's
    defer_destruction("executor '" + last->settings_.name + "'", [last] { delete last; });
}

node_backend::~node_backend() {
    if (coordinator_.joinable()) {
        {
            const std::lock_guard hold(mutex_);
            coordinator_ends_ = true;
            wake_coordinator_.notify_one();
        }
        coordinator_.join();
    }
    home_->stop();
    link_->stop(clock::now() + leave_limit);
    objects_.wait_for_completions(clock::now() + leave_limit);
    report_stopped();
}

void node_backend::start() {
    process_options pool = settings_.pool;
    pool.max_pending = 0;  // calls wait in this backend
    if (settings_.local) {
        pool.name = settings_.name;
        local_ = settings_.make_pool(pool, {.identity = identity_,
                                            .kind = settings_.kind,
                                            .host = settings_.host,
                                            .home = std::make_shared<local_home>(objects_)});
        local_port_.attach(local_);
        const auto workers = static_cast<std::uint32_t>(local_.concurrency());
        local_credit_ = credit_control(workers);
        placement_.local().workers = workers;
        placement_.local().credit = local_credit_.credit();
    }
    pool.name = {};
    program_hello hello;
    hello.build = build_of_program();
    hello.host = settings_.host;
    hello.kind = settings_.kind;
    hello.identity = identity_;
    hello.executor_name = settings_.name;
    hello.options = pool;
    link_->start(*this, encode_hello(hello));
    {
        const signals_blocked blocked;
        coordinator_ = std::thread([this] { coordinate(); });
    }
    wait_for_nodes();
}

void node_backend::wait_for_nodes() {
    std::unique_lock hold(mutex_);
    const auto enough = [&] { return placement_.agents() >= settings_.nodes; };
    const bool in_time = joined_.wait_until(hold, deadline_after(clock::now(), settings_.nodes_wait),
                                            [&] { return enough() || !refusal_.empty(); });
    if (enough()) return;
    if (!refusal_.empty()) throw config_error("executor '" + settings_.name + "': " + refusal_);
    if (!in_time)
        throw config_error(
            "executor '" + settings_.name + "': " + std::to_string(placement_.agents()) + " of " +
            std::to_string(settings_.nodes) + " nodes have joined within " +
            std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(settings_.nodes_wait).count()) +
            " ms: start the agents earlier, or raise nodes_wait");
}

std::size_t node_backend::concurrency() const noexcept {
    const std::lock_guard hold(mutex_);
    return std::max<std::size_t>(1, placement_.workers());
}

executor_stats node_backend::stats() const {
    executor_stats s = executor_backend::stats();
    const std::lock_guard hold(mutex_);
    s.queued = placement_.waiting();
    s.failed = failed_;
    s.retried = retried_;
    s.workers = placement_.workers();
    s.restarts = restarts_;
    for (const auto& [id, a] : agents_)
        s.restarts += a.restarts;
    if (local_) s.restarts += load_of(local_).restarts;
    return s;
}

void* node_backend::query(const std::type_info& extension) noexcept {
    if (extension == typeid(portable_identity)) return static_cast<portable_identity*>(this);
    if (extension == typeid(borrowed_arguments)) return static_cast<borrowed_arguments*>(this);
    if (extension == typeid(raw_chunks)) return static_cast<raw_chunks*>(this);
    if (extension == typeid(task_limits)) return static_cast<task_limits*>(this);
    return nullptr;
}

void node_backend::submit(std::span<work_item* const>) noexcept {
    std::terminate();  // a remote executor gets no items
}

void node_backend::submit(std::span<portable_call* const> calls) noexcept {
    actions later;
    {
        const std::lock_guard hold(mutex_);
        for (portable_call* call : calls) {
            call->backend_data = nullptr;
            const std::size_t size = call->arguments_size();
            if (size > max_body) {
                later.ended.push_back(
                    {call, failed(std::make_exception_ptr(not_portable(
                               "the arguments of a call take " + std::to_string(size) + " bytes, more than the " +
                               std::to_string(max_body) + " that a message holds")))});
                continue;
            }
            if (const std::size_t limit = settings_.pool.max_pending;
                limit != 0 && !call->options.windowed && placement_.pending() >= limit) {
                dispatch(later);
                if (placement_.pending() >= limit) {
                    ++failed_;
                    later.ended.push_back(
                        {call, failed(std::make_exception_ptr(overloaded("executor '" + settings_.name + "' is full: " +
                                                                         std::to_string(placement_.pending()) +
                                                                         " calls wait for a worker (max_pending)")))});
                    continue;
                }
            }
            placement_.add(*call, call->options.retries >= 0 ? call->options.retries : settings_.pool.retries);
        }
        dispatch(later);
    }
    perform(std::move(later));
}

void node_backend::dispatch(actions& later) {
    while (placed_call* const c = placement_.place_next()) {
        c->handing_over = true;
        if (c->at->local) c->relay = new local_call(*this, c->number, *c->call, c->retries);
        later.handed.push_back({c->number, c->call, c->relay, c->at->agent, epoch_});
    }
    if (!coordinator_polls_ && needs_polling()) wake_coordinator_.notify_one();
}

// Repeats, because a completion may free a place for another call.
void node_backend::perform(actions later) noexcept {
    while (!later.ended.empty() || !later.handed.empty()) {
        give_to_places(later);
        for (auto& [call, reply] : std::exchange(later.ended, {}))
            call->complete(std::move(reply));
        const auto handed = std::exchange(later.handed, {});
        const std::lock_guard hold(mutex_);
        for (const actions::hand_over& h : handed) {
            placed_call* const c = placement_.find(h.number);
            if (c == nullptr) continue;  // the call has ended
            c->handing_over = false;
            if (h.failure != nullptr)
                end(*c, failed(h.failure), later);
            else if (c->lost)
                lose(*c, "its host has left the run", later);
            else if (c->relay != nullptr && c->stop != stop_reason::none)
                local_.backend()->request_stop(*c->relay, c->stop);  // the request preceded the submission
        }
        dispatch(later);
    }
}

void node_backend::give_to_places(actions& later) noexcept {
    std::vector<portable_call*> local;
    for (actions::hand_over& h : later.handed) {
        if (h.relay != nullptr) {
            local.push_back(h.relay);
            continue;
        }
        try {
            link_->publish(h.agent == 0 ? target::work : target::agent, h.agent,
                           encode_call(h.number, h.epoch, *h.call));
        } catch (...) {
            h.failure = std::current_exception();
        }
    }
    if (!local.empty()) local_.backend()->submit(std::span<portable_call* const>(local));
}

void node_backend::request_stop(portable_call& call, stop_reason why) noexcept {
    const std::lock_guard hold(mutex_);
    const auto number = static_cast<call_number>(reinterpret_cast<std::uintptr_t>(call.backend_data));
    placed_call* const c = placement_.find(number);
    if (c == nullptr) return;
    if (!c->waits) return request_stop_of(*c, why);
    // The caller may hold the lock of a stop tree, which a completion locks.
    end(*c, failed(std::make_exception_ptr(cancelled{})), deferred_);
    wake_coordinator_.notify_one();
}

void node_backend::request_stop_of(placed_call& c, stop_reason why) noexcept {
    if (why <= c.stop) return;
    c.stop = why;
    if (why >= stop_reason::deadline && c.forced_at == clock::time_point{}) {
        c.forced_at = clock::now();
        any_forced_ = true;
        wake_coordinator_.notify_one();
    }
    if (c.at == nullptr || (c.at->local && c.handing_over)) return;
    if (c.at->local) return local_.backend()->request_stop(*c.relay, why);
    // An agent without the call stores the request, because the call may still arrive.
    link_->publish(c.at->agent == 0 ? target::all_agents : target::agent, c.at->agent,
                   encode_note(message_kind::stop, {c.number, static_cast<std::uint64_t>(why)}));
}

void node_backend::stop_all(stop_reason why) noexcept {
    if (registry().foreign()) return;
    actions later;
    {
        const std::lock_guard hold(mutex_);
        for (const call_number number : placement_.numbers()) {
            placed_call* const c = placement_.find(number);
            if (c->waits)
                end(*c, failed(std::make_exception_ptr(cancelled{})), later);
            else
                request_stop_of(*c, why);
        }
    }
    perform(std::move(later));
}

void node_backend::end(placed_call& c, call_reply reply, actions& later) noexcept {
    portable_call* const call = c.call;
    if (reply.kind == reply_kind::exception || reply.kind == reply_kind::failure) ++failed_;
    placement_.erase(c);
    later.ended.push_back({call, std::move(reply)});
}

void node_backend::local_ended(call_number number, call_reply reply, pid_t worker) noexcept {
    actions later;
    {
        const std::lock_guard hold(mutex_);
        placed_call* const c = placement_.find(number);
        if (c == nullptr) return;
        c->call->worker_pid.store(worker, std::memory_order_relaxed);
        local_credit_.ended(reply.nanoseconds);
        end(*c, std::move(reply), later);
        dispatch(later);
    }
    perform(std::move(later));
}

void node_backend::lose(placed_call& c, const std::string& why, actions& later) {
    if (c.handing_over) {
        c.lost = true;  // the thread that submits it still reads it
        return;
    }
    const pid_t worker = c.call->worker_pid.load(std::memory_order_relaxed);
    c.call->note_worker(0);
    if (c.retries > 0 && c.stop == stop_reason::none && c.items == 1) {
        ++retried_;
        portable_call& call = *c.call;
        const int retries = c.retries - 1;
        placement_.erase(c);
        placement_.add(call, retries, true);  // under a new number: late replies to the old one are ignored
        return;
    }
    const std::string& name = c.call->options.name;
    const std::string task = task_text(name, c.call->entry, c.call->arguments.span());
    call_reply reply = failed(std::make_exception_ptr(worker_lost(task + " was lost: " + why, worker, name)));
    reply.all_begun = true;
    reply.items_done = c.progress.items_done;
    reply.partial = std::move(c.progress.results);
    reply.item_errors = std::move(c.progress.item_errors);
    try {
        put_raw_results(*c.call, c.items, reply);
    } catch (const std::exception&) {  // the report of its agent is invalid
        reply.items_done = 0;
        reply.partial.clear();
        reply.item_errors.clear();
    }
    end(c, std::move(reply), later);
}

void node_backend::leave_run(const std::function<void()>& done) {
    home_->stop();
    link_->stop(clock::now() + leave_limit);
    report_stopped();
    if (local_)
        local_.backend()->shutdown(clock::now(), done);
    else if (done)
        done();
}

void node_backend::shutdown(std::chrono::steady_clock::time_point deadline, std::function<void()> done) {
    if (registry().foreign()) {
        if (done) done();
        return;
    }
    const auto self = std::static_pointer_cast<node_backend>(shared_from_this());
    auto alarm = shutdown_alarm::arm(deadline, [self] { self->stop_all(stop_reason::deadline); });
    registry().close([alarm = std::move(alarm), self, done = std::move(done)]() mutable {
        alarm->cancel();
        // The last call may have been completed by an event of the link, which cannot wait for its own end.
        const std::lock_guard hold(self->mutex_);
        self->to_do_.push_back([self, done = std::move(done)] { self->leave_run(done); });
        self->wake_coordinator_.notify_one();
    });
}

}  // namespace cadre::detail::node
