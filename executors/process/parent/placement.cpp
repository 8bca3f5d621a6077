#include "process/parent/placement.hpp"

#include "process/parent/reports.hpp"

#include <cadre/detail/base/append_pieces.hpp>
#include <cadre/detail/codec/call_name.hpp>
#include <cadre/errors.hpp>

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

namespace cadre::detail::process_parent {

using process_plane::request;

namespace {

// So that a time plus a limit does not overflow.
constexpr std::chrono::nanoseconds longest_limit = std::chrono::hours(24 * 365 * 10);

}  // namespace

placement::placement(const process_options& options, const std::string& executor_name, worker_set& workers,
                     status_publisher& status, deadline_queue& deadlines) noexcept
    : options_(options), name_(executor_name), workers_(workers), status_(status), deadlines_(deadlines) {}

void placement::enqueue(portable_call& call, bool nested, ended_calls& ended) {
    call.backend_data = nullptr;
    if (closed()) {
        ended.push_back({&call, failure_reply(closed_with_)});
        return;
    }
    if (options_.max_pending != 0 && !call.options.windowed && waiting_.pending() >= options_.max_pending) {
        place_queued_calls(ended);
        if (waiting_.pending() >= options_.max_pending) {
            ended.push_back({&call, failure_reply(std::make_exception_ptr(overloaded(
                                        "executor '" + name_ + "' is full: " + std::to_string(waiting_.pending()) +
                                        " calls wait for a worker (max_pending)")))});
            return;
        }
    }
    const std::size_t size = call.arguments_size();
    if (size > process_plane::max_message) {
        ended.push_back({&call, failure_reply(process_plane::too_large("the arguments of a call", size))});
        return;
    }
    const std::optional<std::uint16_t> entry = number(call, nested, ended);
    if (!entry) return;
    call_record& r = table_.acquire();
    r.call = &call;
    r.entry = *entry;
    r.nested = nested;
    if (call.id == 0) call.id = next_task_id();
    r.id = call.id;
    r.items = call.items;
    r.chunk_of_items = call.items != 1;
    r.retries = call.options.retries >= 0 ? call.options.retries : options_.retries;
    r.wants_fresh = call.options.fresh_worker;
    r.limit.allowed = options_.task_timeout;
    const std::chrono::nanoseconds own = call.options.timeout;
    r.limit.of_call = own.count() > 0 && (r.limit.allowed.count() == 0 || own <= r.limit.allowed);
    if (r.limit.of_call) r.limit.allowed = own;
    r.limit.allowed = std::min(r.limit.allowed, longest_limit);
    call.backend_data = &r;
    // The next fresh worker is the best one for it, before other calls use that worker.
    r.wants_fresh ? waiting_.push_front(r) : waiting_.push_back(r);
}

// @return the number of the function; empty if the call has been ended because there is none
std::optional<std::uint16_t> placement::number(portable_call& call, bool nested, ended_calls& ended) {
    std::exception_ptr why;
    try {
        // A worker names the function of a nested call.
        if (nested && !functions_.contains(call.entry) && !is_trampoline(call.entry))
            why = std::make_exception_ptr(not_portable(
                "executor '" + name_ + "': a nested call names a function that is not a task of this program"));
        else if (const auto entry = functions_.number(call.entry))
            return entry;
        else
            why = std::make_exception_ptr(error("executor '" + name_ + "': calls name too many different functions"));
    } catch (...) {
        why = std::current_exception();
    }
    ended.push_back({&call, failure_reply(std::move(why))});
    return std::nullopt;
}

void placement::place_queued_calls(ended_calls& ended) noexcept {
    place_within_credit(ended);
    // Before the rings: a worker with an empty ring reads this word before it sleeps.
    status_.set_waiting(!waiting_.empty());
    // Check the idle workers once more. An idle worker sends no further event, and it may have skipped revoked
    // requests, which makes room in its ring, and gone to sleep before `set_waiting`.
    if (!waiting_.empty() && workers_.any_idle()) {
        process_plane::full_fence();
        place_within_credit(ended);
        if (waiting_.empty()) status_.set_waiting(false);
    }
    workers_.ring_requested();
    status_.set_busy_workers(busy_);
}

void placement::place_within_credit(ended_calls& ended) noexcept {
    // Arguments that find no memory wait until other calls of the worker have ended; a call that a task waits for does
    // not.
    std::size_t max_size = SIZE_MAX;
    const auto place = [&](call_record& r, worker_connection& c) {
        waiting_.remove(r);
        if (publish(r, c)) return;
        if (r.nested || c.calls.empty()) return fail(r, std::make_exception_ptr(std::bad_alloc()), ended);
        waiting_.push_front(r);
        max_size = r.call->arguments_size() - 1;
    };
    // A call that waits for a fresh worker, or for memory, does not hold up those behind it.
    bool fresh_wait = false;
    const auto may_be_placed = [&](const call_record& w) {
        return (!fresh_wait || !w.wants_fresh) && (max_size == SIZE_MAX || w.call->arguments_size() <= max_size);
    };
    while (call_record* r = waiting_.find_first(may_be_placed))
        if (worker_connection* const c = pick(*r); c != nullptr)
            place(*r, *c);
        else if (r->wants_fresh)
            fresh_wait = true;
        else
            break;
    // If every worker retires, their tasks may wait for calls that would wait for a successor of these workers.
    while (waiting_.has_nested()) {
        worker_connection* const c = pick_retiring();
        if (c == nullptr) break;
        place(*waiting_.first_nested(), *c);
    }
}

worker_connection* placement::pick(const call_record& r) noexcept {
    const std::uint64_t depth = service_times_.depth();
    const bool fresh = r.wants_fresh && workers_.fresh_one_comes();
    worker_connection* best = nullptr;
    for (worker_connection* c : workers_)
        if (c->accepts() && (!fresh || c->published == 0) && (best == nullptr || c->load() < best->load()) &&
            c->link.has_credit(depth))
            best = c;
    return best;
}

// @return null while a worker that does not retire exists or is about to start
worker_connection* placement::pick_retiring() noexcept {
    if (workers_.size() != workers_.capacity()) return nullptr;
    const std::uint64_t depth = service_times_.depth();
    worker_connection* best = nullptr;
    for (worker_connection* c : workers_) {
        if (c->stage != worker_stage::retiring) return nullptr;
        if ((best == nullptr || c->load() < best->load()) && c->link.has_credit(depth)) best = c;
    }
    return best;
}

bool placement::publish(call_record& r, worker_connection& c) noexcept {
    const portable_call& call = *r.call;
    request q{};
    q.call_id = r.id;
    q.ticket = call_table::ticket(r);
    q.entry = r.entry;
    const bool raw = call.raw.enabled && r.items != 1;
    if (r.items != 1) q.flags |= request::chunk;
    if (raw) q.flags |= request::raw;
    if (call.returns_items && !r.items_returned && r.items != 1) q.flags |= request::returns;
    if (!call.options.name.empty()) q.flags |= request::named;
    if (r.limit.allowed.count() != 0) q.flags |= request::timed;
    if (!call.descriptors.empty()) q.flags |= request::descriptors;

    parts_.clear();
    const auto name_size = static_cast<std::uint16_t>(std::min<std::size_t>(call.options.name.size(), 1000));
    append_pieces(parts_, call.arguments.span(), call.borrowed);
    if (name_size != 0) {
        parts_.push_back(std::as_bytes(std::span(call.options.name.data(), name_size)));
        parts_.push_back(std::as_bytes(std::span(&name_size, 1)));
    }
    if (raw) parts_.push_back(std::as_bytes(std::span(&call.raw.claim, 1)));
    if (r.items != 1 && r.limit.allowed.count() != 0) {
        r.watch = c.watches.take();
        if (r.watch != process_plane::no_watch) c.link.control().watches[r.watch].reset(q.ticket);
        parts_.push_back(std::as_bytes(std::span(&r.watch, 1)));
    }
    if (r.items != 1) parts_.push_back(std::as_bytes(std::span(&r.items, 1)));

    // Before the worker can claim the call.
    r.call->note_worker(c.os.pid);
    const auto position = c.link.publish(q, parts_, functions_, r.arguments);
    if (!position) {
        c.watches.give_back(std::exchange(r.watch, process_plane::no_watch));
        r.call->note_worker(0);
        return false;
    }
    r.worker = &c;
    r.limit.begun = false;
    r.descriptors_sent = false;
    r.limit.item = 0;
    r.limit.item_begun = false;
    r.position = *position;
    r.expected_time = r.items == 1 ? functions_.expected_time(r.entry) : function_list::long_time;
    if (c.calls.empty())
        ++busy_;
    else if (busy_ < workers_.size())
        expect_rebalance();
    c.calls.push_back(r);
    c.expected_time += r.expected_time;
    // A raw chunk whose items are claimed singly stands for as many tasks.
    c.published += call.raw.enabled && call.raw.claim == 1 ? r.items : 1;
    placed_.fetch_add(1, std::memory_order_relaxed);
    c.retire_if_share_used();
    if (r.limit.allowed.count() != 0) deadlines_.arm(r, std::chrono::steady_clock::now() + r.limit.allowed);
    return true;
}

void placement::unplace(call_record& r) noexcept {
    if (r.worker == nullptr) return;
    call_list& calls = r.worker->calls;
    calls.remove(r);
    r.worker->expected_time -= r.expected_time;
    if (calls.empty()) --busy_;
    placed_.fetch_sub(1, std::memory_order_relaxed);
    r.worker->link.release(std::exchange(r.arguments, {}));
    r.worker->watches.give_back(std::exchange(r.watch, process_plane::no_watch));
    if (r.worker->raw_chunk == &r) r.worker->raw_chunk = nullptr;
    r.worker = nullptr;
}

void placement::end(call_record& r, call_reply reply, ended_calls& ended) noexcept {
    unplace(r);
    deadlines_.disarm(r);
    portable_call* const call = r.call;
    call->backend_data = nullptr;
    if (reply.kind == reply_kind::exception || reply.kind == reply_kind::failure) ++failed_;
    table_.release(r);
    ended.push_back({call, std::move(reply)});
}

void placement::fail(call_record& r, std::exception_ptr error, ended_calls& ended) noexcept {
    call_reply reply = failure_reply(std::move(error));
    reply.items_done = r.chunk.items_done;
    reply.partial = std::move(r.chunk.results);
    reply.descriptors = std::move(r.chunk.descriptors);
    reply.item_errors = std::move(r.chunk.errors);
    end(r, std::move(reply), ended);
}

bool placement::fail_unclaimed(call_record& r, std::exception_ptr error, ended_calls& ended) noexcept {
    worker_connection* const c = r.worker;
    if (c == nullptr)
        waiting_.remove(r);
    else if (!c->link.revoke(r.position))
        return false;
    fail(r, std::move(error), ended);
    if (c != nullptr) workers_.dismiss_if_done(*c);  // an idle worker sends no event that would cause this later
    return true;
}

void placement::fail_queued_calls(const std::exception_ptr& error, ended_calls& ended) noexcept {
    while (call_record* r = waiting_.find_first([](const call_record&) { return true; })) {
        waiting_.remove(*r);
        fail(*r, error, ended);
    }
}

task_label placement::label(const call_record& r) const {
    const std::string& given = r.call->options.name;
    return {given, task_text(given, r.call->entry, r.call->arguments.span())};
}

bool placement::retry(call_record& r) noexcept {
    if (r.retries <= 0 || r.stop != stop_reason::none || r.items != 1) return false;
    --r.retries;
    ++retried_;
    report_retry(*this, r);
    requeue(r);
    return true;
}

std::size_t placement::queued() noexcept {
    std::size_t n = waiting_.size();
    for (const worker_connection* c : workers_)
        for (const call_record& r : c->calls)
            if (!c->link.claimed(r.position)) ++n;
    return n;
}

// The progress that its worker has reported does not count: the next worker begins again.
void placement::requeue(call_record& r) noexcept {
    unplace(r);
    r.chunk = {};
    deadlines_.disarm(r);
    r.call->note_worker(0);
    waiting_.push_front(r);
}

// Newest first, so that the calls keep their order at the head of the queue.
void placement::requeue_unclaimed(worker_connection& c) noexcept {
    for (call_record* r = c.calls.back(); r != nullptr;) {
        call_record* const before = call_list::prev(*r);
        if (c.link.revoke(r->position)) requeue(*r);
        r = before;
    }
}

}  // namespace cadre::detail::process_parent
