// What workers send: every message is a private copy, and nothing in it is believed before it was checked.

#include "process/parent/pool.hpp"

#include "process/os/syscalls.hpp"
#include "process/parent/nested_call.hpp"
#include "process/plane/chunk_progress.hpp"
#include "process/plane/nested_header.hpp"

#include <cadre/detail/codec/exception_codec.hpp>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace cadre::detail::process_parent {

using process_plane::call_memory;
using process_plane::event;
using process_plane::event_kind;
using process_plane::nested_header;

namespace {

// Events of one worker that are handled before the others get their turn and the ended calls are told.
constexpr unsigned events_a_round = 128;
// A worker that never stops sending must not keep the supervisor from its deadlines.
constexpr unsigned rounds_at_most = 2 * process_plane::event_slots / events_a_round;

time_point begin_time(std::span<const std::byte> body, time_point now) {
    std::int64_t n = 0;
    if (body.size() == sizeof n) std::memcpy(&n, body.data(), sizeof n);
    return std::min(time_point(std::chrono::nanoseconds(n)), now);
}

}  // namespace

bool pool::drain(bool wait) noexcept {
    std::unique_lock draining(drain_, std::defer_lock);
    if (wait)
        draining.lock();
    else if (!draining.try_lock())
        return true;
    bool any = false;
    for (unsigned rounds = wait ? rounds_at_most : 1; rounds != 0; --rounds) {
        // Pairs with a worker that looks whether its last urgent message was taken before it rings for the next one.
        process_plane::full_fence();
        if (!events_ready()) break;
        any = true;
        {
            const std::lock_guard hold(mutex_);
            for (const auto& c : channels_)
                if (c != nullptr && handle_events(*c, events_a_round, drained_)) after_events(*c);
            place_queued_calls(drained_);
            if (supervisor_wakes_ != time_point{} && rebalance_wanted()) look_soon();
        }
        tell(drained_);
        start_nested();
    }
    return any;
}

bool pool::events_ready() const noexcept {
    return std::any_of(channels_.begin(), channels_.end(),
                       [](const auto& c) { return c != nullptr && c->violation.empty() && c->events.ready(); });
}

// If another thread has the lock it may have passed a ring already. If it takes the lock only now, it sees everything.
void pool::loop_is_busy() noexcept {
    loop_is(process_plane::loop_state::busy);
    if (!drain_.try_lock()) {
        wake_supervisor();
        return;
    }
    drain_.unlock();
    (void)drain(false);
}

void pool::start_nested() noexcept {
    for (nested_call* call : std::exchange(nested_started_, {}))
        call->start();
}

bool pool::handle_events(worker_connection& c, unsigned most, ended_calls& ended) noexcept {
    if (!c.violation.empty()) return false;
    bool any = false;
    event e;
    for (; most != 0 && c.events.peek(e); --most) {
        any = true;
        std::string wrong;
        try {
            wrong = handle(c, e, ended);
        } catch (const std::exception& problem) {
            wrong = std::string("sent what could not be taken (") + problem.what() + ")";
        }
        c.events.advance();
        if (!wrong.empty()) {
            broke_protocol(c, std::move(wrong));
            break;
        }
    }
    if (any) {
        // Pairs with a worker that found no room, in its ring or for a body: it says so, then looks again.
        process_plane::full_fence();
        auto& blocked = c.memory.control().events_blocked;
        if (blocked.load(std::memory_order_relaxed) != 0) {
            blocked.store(0, std::memory_order_relaxed);
            c.ring_wanted = true;
        }
    }
    return any;
}

std::string pool::handle(worker_connection& c, const event& e, ended_calls& ended) {
    std::span<const std::byte> body;
    if (!process_plane::find_body(e, c.memory.base(), call_memory::worker_area, body))
        return "sent a message whose body lies outside its memory";
    switch (e.kind) {
        case event_kind::ready:
            if (c.life == worker_connection::stage::starting) c.life = worker_connection::stage::ready;
            c.was_ready = true;
            failed_starts_ = 0;
            return {};
        case event_kind::start_failed: {
            byte_buffer copy;
            copy.append(body);
            decoder in(copy.span());
            c.start_error = decode_exception(in, "the initializer in " + c.title());
            return {};
        }
        case event_kind::wants_work: times_.sample(e.nanoseconds); return {};
        case event_kind::nested_call: return nested_submission(c, e, body);
        case event_kind::nested_stop: {
            const auto found = c.nested.find(e.id);
            // A call that has just ended may still be asked to stop; a request that is not one of ours is none.
            if (found == c.nested.end() || found->second->backend_data == nullptr) return {};
            const auto why = e.items == static_cast<std::uint32_t>(stop_reason::deadline) ? stop_reason::deadline
                                                                                          : stop_reason::requested;
            ask_to_stop(*static_cast<call_record*>(found->second->backend_data), why, ended);
            return {};
        }
        case event_kind::begun:
        case event_kind::chunk_block:
        case event_kind::committed:
        case event_kind::value:
        case event_kind::exception:
        case event_kind::rejected: break;
        default: return "sent a message of unknown kind " + std::to_string(static_cast<unsigned>(e.kind));
    }
    call_record* const r = table_.find(e.id);
    if (r == nullptr || r->channel != &c) return "answered a call that it does not have";
    return about_call(c, *r, e, body, ended);
}

std::string pool::about_call(worker_connection& c, call_record& r, const event& e, std::span<const std::byte> body,
                             ended_calls& ended) {
    if (e.items > r.call->items) return "counted more items than a call has";
    if (e.kind == event_kind::begun) {
        const time_point now = std::chrono::steady_clock::now();
        if (!r.begun) r.begun_at = begin_time(body, now);
        r.begun = true;
        // The deadline that was set when it was queued comes too early now; it is checked then.
        return {};
    }
    if (e.kind == event_kind::chunk_block) {
        if (body.size() < process_plane::chunk_progress::capacity ||
            static_cast<std::uint64_t>(body.data() - c.memory.base()) % alignof(process_plane::chunk_progress) != 0)
            return "sent a malformed block for the results of a chunk";
        r.committed = {static_cast<std::uint64_t>(body.data() - c.memory.base()), body.size()};
        return {};
    }
    if (e.kind == event_kind::committed) {
        if (e.items < r.items_done) return "took committed items back";
        r.partial.append(body);
        r.items_done = e.items;
        return {};
    }
    times_.sample(e.nanoseconds);
    call_reply reply;
    try {
        if (e.kind == event_kind::value) {
            reply.bytes = std::move(r.partial);
            reply.bytes.append(body);
            reply.items_done = r.call->items;
        } else if (e.kind == event_kind::exception) {
            reply.kind = reply_kind::exception;
            reply.bytes.append(body);
        } else {
            reply.kind = reply_kind::failure;
            reply.error = std::make_exception_ptr(
                not_portable(std::string(reinterpret_cast<const char*>(body.data()), body.size())));
        }
    } catch (const std::bad_alloc&) {
        reply.kind = reply_kind::failure;
        reply.bytes.clear();
        reply.error = std::current_exception();
    }
    if (reply.kind != reply_kind::value) {
        const task_label task = label(r);
        reply.where = c.title() + ", " + task.text;
        reply.items_done = std::max(e.items, r.items_done);
        reply.partial = std::move(r.partial);
        if (r.limit_passed) {
            reply.kind = reply_kind::failure;
            reply.error = std::make_exception_ptr(timed_out(
                task.text + " passed its time limit and ended when it was asked to stop (" + c.title() + ")"));
        }
    }
    end(r, std::move(reply), ended);
    return {};
}

std::string pool::nested_submission(worker_connection& c, const event& e, std::span<const std::byte> body) {
    nested_header h;
    if (body.size() < sizeof h || c.nested.contains(e.id)) return "sent a malformed nested call";
    if (c.nested.size() >= process_plane::max_nested_calls) return "made more nested calls than it may";
    std::memcpy(&h, body.data(), sizeof h);
    body = body.subspan(sizeof h);
    if (h.name_size > body.size() || h.items == 0) return "sent a malformed nested call";
    auto* const call = new nested_call(*this, c, e.id);
    c.nested.emplace(e.id, call);
    nested_started_.push_back(call);
    call->entry = h.entry;
    call->items = h.items;
    call->id = h.call_id;
    call->options.timeout = std::chrono::nanoseconds(std::max<std::int64_t>(h.timeout, 0));
    call->options.priority = std::clamp(h.priority, -1000, 1000);
    call->options.retries = std::clamp(h.retries, -1, 1000);
    call->options.name.assign(reinterpret_cast<const char*>(body.data()), h.name_size);
    call->arguments.append(body.subspan(h.name_size));
    return {};
}

void pool::broke_protocol(worker_connection& c, std::string what) noexcept {
    c.violation = std::move(what);
    c.life = worker_connection::stage::dying;
    take_back_queued(c);
    process_os::kill_group(c.os.pidfd.get());
}

void pool::after_events(worker_connection& c) noexcept {
    using enum worker_connection::stage;
    (void)c.flush();
    if (c.life == ready && c.share_used()) c.life = retiring;
    leave_if_done(c);
}

void pool::leave_if_done(worker_connection& c) noexcept {
    using enum worker_connection::stage;
    if ((c.life == retiring || (quitting_ && c.life == ready)) && c.calls.empty()) say_quit(c);
}

void pool::say_quit(worker_connection& c) noexcept {
    c.life = worker_connection::stage::leaving;
    event e{};
    e.kind = event_kind::quit;
    c.order(e);
}

// The worker's task goes on with the reply; an error of any kind travels as an encoded exception.
void pool::nested_ended(nested_call& call, call_reply reply) noexcept {
    byte_buffer body;
    if (reply.kind != reply_kind::value) {
        const auto where_size = static_cast<std::uint16_t>(std::min<std::size_t>(reply.where.size(), 1000));
        body.append(std::as_bytes(std::span(&where_size, 1)));
        body.append(std::as_bytes(std::span(reply.where.data(), where_size)));
        if (reply.kind == reply_kind::exception) {
            body.append(reply.bytes.span());
        } else {
            encoder out(body);
            encode_exception(out, reply.error);
        }
    }
    const std::lock_guard hold(mutex_);
    if (call.caller == nullptr) return;
    worker_connection& c = *call.caller;
    c.nested.erase(call.workers_ticket);
    event e{};
    e.id = call.workers_ticket;
    if (!reply.partial.empty()) {
        e.kind = event_kind::nested_partial;
        c.reply(e, reply.partial.span());
    }
    e.items = reply.items_done;
    e.kind = reply.kind == reply_kind::value ? event_kind::nested_value : event_kind::nested_exception;
    c.reply(e, reply.kind == reply_kind::value ? reply.bytes.span() : body.span());
    if (c.flush()) look_soon();
    c.ring_wanted = false;
    c.ring();
}

}  // namespace cadre::detail::process_parent
