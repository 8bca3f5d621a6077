#include "process/parent/nested_calls.hpp"

#include "process/parent/nested_call.hpp"
#include "process/plane/nested_header.hpp"

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/codec/exception_codec.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <new>
#include <system_error>
#include <utility>

namespace cadre::detail::process_parent {

using process_plane::event;
using process_plane::event_kind;
using process_plane::nested_header;

protocol_violation nested_calls::handle_call(worker_connection& c, const event& e, std::span<const std::byte> body) {
    nested_header h;
    if (body.size() < sizeof h || c.nested.contains(e.id)) return "sent a malformed nested call";
    // A worker counts a call until it has read the reply.
    if (c.nested.size() + c.link.waiting_replies() >= process_plane::max_nested_calls)
        return "exceeded the limit of nested calls";
    std::memcpy(&h, body.data(), sizeof h);
    body = body.subspan(sizeof h);
    if (!c.nested.empty() && c.nested_bytes + body.size() > process_plane::max_nested_bytes)
        return "exceeded the limit of the arguments of nested calls";
    if (h.name_size > body.size() || h.items == 0) return "sent a malformed nested call";
    process_plane::descriptor_socket::arrival arrived;
    if ((e.flags & event::descriptors) != 0) {
        arrived = c.link.descriptors().receive();
        if (!arrived.valid) return "announced file descriptors that it has not sent";
        if (!c.nested.empty() &&
            c.nested_descriptors + arrived.descriptors.size() > process_plane::max_nested_descriptors)
            return "exceeded the limit of the file descriptors of nested calls";
    }
    auto* const call = new nested_call(pool_, c, e.id);
    c.nested.emplace(e.id, call);
    received_.push_back(call);
    call->held_bytes = body.size();
    c.nested_bytes += body.size();
    call->descriptors = std::move(arrived.descriptors);
    if ((e.flags & event::out_of_memory) != 0)
        call->not_received = std::make_exception_ptr(std::bad_alloc());  // there was no memory for the arguments
    else if (arrived.lost)
        call->not_received = std::make_exception_ptr(std::system_error(
            EMFILE, std::system_category(), "the file descriptors of a nested call did not reach the parent process"));
    call->held_descriptors = call->descriptors.size();
    c.nested_descriptors += call->held_descriptors;
    call->may_return_descriptors = (h.flags & nested_header::may_return_descriptors) != 0;
    call->options.windowed = (h.flags & nested_header::windowed) != 0;
    call->entry = h.entry;
    call->items = h.items;
    call->id = h.call_id;
    call->options.timeout = std::chrono::nanoseconds(std::max<std::int64_t>(h.timeout, 0));
    call->options.priority = std::clamp(h.priority, -1000, 1000);
    call->options.retries = std::clamp(h.retries, -1, 1000);
    call->options.name.assign(reinterpret_cast<const char*>(body.data()), h.name_size);
    call->arguments.append(body.subspan(h.name_size));
    return std::nullopt;
}

// A stop request may cross the end of its call, so an unknown ticket breaks nothing.
void nested_calls::handle_stop(worker_connection& c, const event& e, ended_calls& ended) noexcept {
    const auto found = c.nested.find(e.id);
    if (found == c.nested.end()) return;
    nested_call& call = *found->second;
    call.stopped = true;
    if (call.backend_data == nullptr) return;  // not submitted yet, or ended
    const auto strongest = static_cast<std::uint32_t>(stop_reason::kill);
    const auto why = static_cast<stop_reason>(std::clamp<std::uint32_t>(e.items, 1, strongest));
    stops_.request(*static_cast<call_record*>(call.backend_data), why, ended);
}

void nested_calls::start_received() noexcept {
    for (nested_call* call : std::exchange(received_, {}))
        call->start();
}

byte_buffer nested_calls::encode_body(call_reply& reply) {
    if (reply.kind == reply_kind::value) return std::move(reply.bytes);
    byte_buffer body;
    if (reply.kind == reply_kind::unfinished) {
        encoder out(body);
        if (reply.last_item != nullptr) encode_exception(out, reply.last_item);
        return body;
    }
    const auto where_size = static_cast<std::uint16_t>(std::min<std::size_t>(reply.where.size(), 1000));
    body.append(std::as_bytes(std::span(&where_size, 1)));
    body.append(std::as_bytes(std::span(reply.where.data(), where_size)));
    if (reply.kind == reply_kind::exception) {
        body.append(reply.bytes.span());
    } else {
        encoder out(body);
        encode_exception(out, reply.error);
    }
    return body;
}

void nested_calls::reply(nested_call& call, const call_reply& reply, const byte_buffer& body) noexcept {
    if (call.caller == nullptr) return;
    worker_connection& c = *call.caller;
    if (std::max(body.size(), reply.partial.size()) > c.link.memory().max_nested_body()) {
        call_reply too_large = failure_reply(std::make_exception_ptr(std::bad_alloc()));
        return this->reply(call, too_large, encode_body(too_large));
    }
    c.nested.erase(call.workers_ticket);
    c.nested_bytes -= call.held_bytes;
    c.nested_descriptors -= call.held_descriptors;
    event e{};
    e.id = call.workers_ticket;
    if (!reply.partial.empty()) {
        e.kind = event_kind::nested_partial;
        c.link.reply(e, reply.partial.span());
    }
    e.items = reply.items_done;
    switch (reply.kind) {
        case reply_kind::value: e.kind = event_kind::nested_value; break;
        case reply_kind::unfinished: e.kind = event_kind::nested_unfinished; break;
        default: e.kind = event_kind::nested_exception;
    }
    if (reply.retry_last) e.flags = event::out_of_memory;
    c.link.reply(e, body.span(), reply.descriptors);
    if (c.link.flush()) deadlines_.tick_soon();
    c.link.ring();
}

void nested_calls::abandon(worker_connection& c, stop_reason why, ended_calls& ended) noexcept {
    for (auto& [ticket, call] : c.nested)
        if (call->caller = nullptr; call->backend_data != nullptr)
            stops_.request(*static_cast<call_record*>(call->backend_data), why, ended);
    c.nested.clear();
}

void nested_calls::disown(worker_connection& c) noexcept {
    for (auto& [ticket, call] : c.nested)
        call->caller = nullptr;
}

}  // namespace cadre::detail::process_parent
