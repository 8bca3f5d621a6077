#include "process/parent/call_protocol.hpp"

#include "process/parent/limit_errors.hpp"
#include "process/parent/raw_results.hpp"
#include "process/parent/reports.hpp"
#include "process/plane/chunk_progress.hpp"
#include "process/plane/nested_header.hpp"

#include <cadre/detail/base/populate.hpp>
#include <cadre/detail/call/call_errors.hpp>
#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/codec/exception_codec.hpp>
#include <cadre/detail/task/time_limit.hpp>
#include <cadre/errors.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iterator>
#include <new>
#include <utility>

namespace cadre::detail::process_parent {

using process_plane::call_memory;
using process_plane::chunk_progress;
using process_plane::event;
using process_plane::event_kind;

namespace {

// The check is one system call, made for large bodies only, which cost far more.
constexpr std::size_t check_written_from = std::size_t{2} << 20;
// An error of an initializer is text.
constexpr std::size_t max_start_error = std::size_t{1} << 20;

// When a timed call began, as its worker reports; not later than now.
time_point begin_time(std::span<const std::byte> body) {
    std::int64_t n = 0;
    if (body.size() == sizeof n) std::memcpy(&n, body.data(), sizeof n);
    return std::min(time_point(std::chrono::nanoseconds(n)), std::chrono::steady_clock::now());
}

protocol_violation handle_chunk_block(const worker_connection& c, call_record& r, std::span<const std::byte> body) {
    const auto offset = static_cast<std::uint64_t>(body.data() - c.link.memory().base());
    if (body.size() < chunk_progress::capacity || offset % alignof(chunk_progress) != 0)
        return "sent a malformed block for the results of a chunk";
    r.chunk.progress = {offset, body.size()};
    return std::nullopt;
}

// Takes the descriptors that come with a result.
protocol_violation receive_descriptors(worker_connection& c, call_record& r, const event& e) {
    if ((e.flags & event::descriptors) == 0) return std::nullopt;
    const bool with_results =
        e.kind == event_kind::committed || e.kind == event_kind::value || e.kind == event_kind::unfinished;
    if (!with_results || !r.call->may_return_descriptors) return "sent file descriptors that nobody asked for";
    auto arrived = c.link.descriptors().receive();
    if (!arrived.valid) return "announced file descriptors that it has not sent";
    auto& all = r.chunk.descriptors;
    if (all.size() + arrived.descriptors.size() > process_plane::max_slot_descriptors)
        return "sent more file descriptors than a call returns";
    std::ranges::move(arrived.descriptors, std::back_inserter(all));
    return std::nullopt;
}

// The deadline that was armed when the call was published is too early now; time_limits checks it then.
protocol_violation note_begin(call_record& r, std::span<const std::byte> body) {
    if (!std::exchange(r.limit.begun, true)) r.limit.begun_at = begin_time(body);
    return std::nullopt;
}

protocol_violation handle_committed(call_record& r, const event& e, std::span<const std::byte> body) {
    // Each carries at least one more item, and a worker ends a chunk whose results have grown to `max_chunk_results`.
    if (e.items <= r.chunk.items_done) return "committed no more items than before";
    if (r.chunk.results.size() >= 2 * process_plane::max_chunk_results)
        return "committed more results than a chunk holds";
    r.chunk.results.append(body);
    r.chunk.items_done = e.items;
    return std::nullopt;
}

// A task of the chunk waits, and the worker has not begun those behind it.
protocol_violation take_back_items(call_record& r, const event& e, ended_calls& ended) {
    if (!r.call->descriptors.empty() && !r.descriptors_sent) return "returned items of a call that it has not begun";
    if (!r.call->returns_items || std::exchange(r.items_returned, true))
        return "returned items of a call that does not take them";
    if (e.items == 0 || e.items == r.items || e.items < r.chunk.items_done) return "returned items that have begun";
    ended.push_back({r.call, {}, e.items});
    r.items = e.items;
    return std::nullopt;
}

// The event ends the call, or its chunk. Takes the results of a raw chunk from `body`, and leaves nothing there.
protocol_violation take_results_of_end(call_record& r, const event& e, std::span<const std::byte>& body) {
    if (e.kind == event_kind::unfinished && (e.items == 0 || e.items < r.chunk.items_done))
        return "ended a chunk after fewer items than it had reported";
    if (!r.call->raw.enabled || (e.kind != event_kind::value && e.kind != event_kind::unfinished)) return std::nullopt;
    // The end of a call of one item carries no count.
    const std::uint32_t items = r.items == 1 ? 1 : e.items;
    if (e.kind == event_kind::value && items != r.items) return "ended a chunk after another number of items";
    return take_raw_results(r, items, std::exchange(body, {}), r.chunk.results);
}

bool out_of_memory(const event& e) noexcept { return (e.flags & event::out_of_memory) != 0; }

call_reply make_reply(call_record& r, const event& e, std::span<const std::byte> body) {
    call_reply reply;
    reply.item_errors = std::move(r.chunk.errors);
    reply.nanoseconds = e.nanoseconds;
    // The last item of a chunk has exceeded a limit: handled as if the chunk had ended early, so that the item ends as
    // any other item that exceeds a limit.
    const bool limited = r.chunk_of_items && (r.limit.passed || out_of_memory(e));
    try {
        if (e.kind == event_kind::value && !limited) {
            reply.bytes = std::move(r.chunk.results);
            reply.bytes.append(body);
            reply.items_done = r.items;
            reply.descriptors = std::move(r.chunk.descriptors);
        } else if (e.kind == event_kind::unfinished || e.kind == event_kind::value) {
            reply.kind = reply_kind::unfinished;
            reply.items_done = e.kind == event_kind::value ? r.items : e.items;
            reply.partial = std::move(r.chunk.results);
            reply.partial.append(body);
            reply.descriptors = std::move(r.chunk.descriptors);
            reply.retry_last = out_of_memory(e);
        } else if (e.kind == event_kind::exception) {
            reply.kind = reply_kind::exception;
            reply.bytes.append(body);
        } else {
            const std::string text(reinterpret_cast<const char*>(body.data()), body.size());
            reply = failure_reply(std::make_exception_ptr(not_portable(text)));
        }
    } catch (const std::bad_alloc&) {
        reply = failure_reply(std::current_exception());
    }
    return reply;
}

// Null if it is malformed, which is reported where the reply is read.
std::exception_ptr decode_error(const call_reply& reply) noexcept {
    try {
        codec_context context;
        decoder in(reply.bytes.span(), &context);
        return decode_exception(in, reply.where);
    } catch (...) {
        return nullptr;
    }
}

}  // namespace

void call_protocol::handle_all_events(unsigned max_events, ended_calls& ended) noexcept {
    for (worker_connection* c : workers_) {
        if (!handle_events(*c, max_events, ended)) continue;
        (void)c->link.flush();
        c->retire_if_share_used();
        workers_.dismiss_if_done(*c);
    }
}

bool call_protocol::handle_events(worker_connection& c, unsigned max_events, ended_calls& ended) noexcept {
    if (!c.violation.empty()) return false;
    bool any = false;
    event e;
    for (; max_events != 0 && c.link.events().peek(e); --max_events) {
        any = true;
        protocol_violation violation;
        try {
            violation = handle(c, e, ended);
        } catch (const std::exception& problem) {
            violation = std::string("sent a message that could not be processed (") + problem.what() + ")";
        } catch (...) {  // of the program's own code, which reads exceptions that it has registered
            violation = "sent a message that could not be processed";
        }
        c.link.events().advance();
        if (violation) {
            end_worker(c, std::move(*violation));
            break;
        }
    }
    if (any) c.link.notify_room();
    return any;
}

void call_protocol::end_worker(worker_connection& c, std::string violation) noexcept {
    c.violation = std::move(violation);
    placement_.requeue_unclaimed(c);
    c.kill();
}

protocol_violation call_protocol::handle(worker_connection& c, const event& e, ended_calls& ended) {
    std::span<const std::byte> body;
    const call_memory& memory = c.link.memory();
    if (!process_plane::find_body(e, memory.base(), memory.worker_area(), body, memory.area_size()))
        return "sent a message whose body lies outside its memory";
    if (body.size() >= check_written_from && !c.link.memory().written(body))
        return "sent a message whose body it has not written";
    if (e.kind != event_kind::chunk_block) populate_for_reading(body.data(), body.size());
    const auto of_call = [&](auto handle_it) -> protocol_violation {
        call_record* const r = placement_.find(e.id);
        if (r == nullptr || r->worker != &c) return "replied to a call that it does not have";
        if (e.items > r->items) return "reported more items than the call has";
        if (auto violation = receive_descriptors(c, *r, e)) return violation;
        return handle_it(*r);
    };
    switch (e.kind) {
        case event_kind::ready: workers_.set_ready(c); return std::nullopt;
        case event_kind::start_failed: return read_start_error(c, body);
        case event_kind::retires:
            report_memory_limit(placement_, c, nullptr, out_of_memory(e));
            retire(c);
            return std::nullopt;
        case event_kind::wants_work: placement_.sample(e.nanoseconds); return std::nullopt;
        case event_kind::tasks:
            if (body.size() > process_plane::max_dump) return "sent too long a list of its tasks";
            dumps_.answer(e.id, c.serial, body);
            return std::nullopt;
        case event_kind::nested_call: return nested_.handle_call(c, e, body);
        case event_kind::nested_stop: nested_.handle_stop(c, e, ended); return std::nullopt;
        case event_kind::home_request:
            // A worker counts a request until it has read the answer.
            if (c.link.waiting_answers() >= process_plane::max_nested_calls)
                return "exceeded the limit of requests for shared objects";
            return home_.receive(c.serial, e.id, body, false);
        case event_kind::home_stop: return home_.receive(c.serial, e.id, {}, true);
        case event_kind::descriptors_wanted: return of_call([&](call_record& r) { return send_descriptors(c, r); });
        case event_kind::begun: return of_call([&](call_record& r) { return note_begin(r, body); });
        case event_kind::chunk_block:
            return of_call([&](call_record& r) {
                return r.call->raw.enabled ? note_raw_block(c, r, body) : handle_chunk_block(c, r, body);
            });
        case event_kind::item_failed: return of_call([&](call_record& r) { return note_failed_item(r, e, body); });
        case event_kind::returned: return of_call([&](call_record& r) { return take_back_items(r, e, ended); });
        case event_kind::committed: return of_call([&](call_record& r) { return handle_committed(r, e, body); });
        case event_kind::value:
        case event_kind::exception:
        case event_kind::unfinished:
        case event_kind::rejected: return of_call([&](call_record& r) { return end_call(c, r, e, body, ended); });
        default: return "sent a message of unknown kind " + std::to_string(static_cast<unsigned>(e.kind));
    }
}

protocol_violation call_protocol::read_start_error(worker_connection& c, std::span<const std::byte> body) {
    if (body.size() > max_start_error) return "sent too long an error of its initializer";
    byte_buffer copy;
    copy.append(body);
    decoder in(copy.span());
    c.start_error = decode_exception(in, "the initializer in " + c.title());
    return std::nullopt;
}

protocol_violation call_protocol::end_call(worker_connection& c, call_record& r, const event& e,
                                           std::span<const std::byte> body, ended_calls& ended) {
    if (auto violation = take_results_of_end(r, e, body)) return violation;
    placement_.sample(r, e.nanoseconds);
    if (out_of_memory(e)) report_memory_limit(placement_, c, &r, true);
    call_reply reply = make_reply(r, e, body);
    if (reply.kind == reply_kind::value || complete_failure(c, r, e, reply)) placement_.end(r, std::move(reply), ended);
    return std::nullopt;
}

bool call_protocol::complete_failure(worker_connection& c, call_record& r, const event& e, call_reply& reply) {
    const task_label task = placement_.label(r);
    reply.where = c.title() + ", " + task.text;
    if (reply.kind == reply_kind::unfinished) {
        if (reply.retry_last) retire(c);  // the item is sent again before the worker's own message arrives
        if (r.limit.passed) reply.last_item = stopped_by_limit(c, r, task);
        return true;
    }
    reply.items_done = std::max(e.items, r.chunk.items_done);
    reply.partial = std::move(r.chunk.results);
    reply.descriptors = std::move(r.chunk.descriptors);
    if (reply.kind != reply_kind::exception || !(r.limit.passed || out_of_memory(e))) return true;
    const std::exception_ptr error = decode_error(reply);
    if (is_bad_alloc(error) && retry_in_fresh_worker(c, r)) return false;
    if (r.limit.passed && ended_by_stop(error)) {
        reply.kind = reply_kind::failure;
        reply.error = stopped_by_limit(c, r, task);
    }
    return true;
}

protocol_violation call_protocol::send_descriptors(worker_connection& c, call_record& r) {
    if (r.call->descriptors.empty() || !c.link.claimed(r.position) || std::exchange(r.descriptors_sent, true))
        return "asked for file descriptors of a call that has none for it";
    event e{};
    e.kind = event_kind::descriptors;
    e.id = call_table::ticket(r);
    c.link.reply(e, {}, r.call->descriptors);
    return std::nullopt;
}

bool call_protocol::retry_in_fresh_worker(worker_connection& c, call_record& r) noexcept {
    r.wants_fresh = true;
    if (!placement_.retry(r)) return false;
    retire(c);  // the worker sends its own `retires` event later
    return true;
}

// Places the calls that the worker has not claimed on other workers, then sets `retiring`; the worker claims no call
// until it reads that.
void call_protocol::retire(worker_connection& c) noexcept {
    if (c.stage == worker_stage::ready) c.stage = worker_stage::retiring;
    placement_.requeue_unclaimed(c);
    c.link.control().retiring.store(1, std::memory_order_release);
    // A worker that sleeps passes the slots of revoked calls, and so has room for nested calls that only it can run.
    c.link.request_ring();
}

}  // namespace cadre::detail::process_parent
