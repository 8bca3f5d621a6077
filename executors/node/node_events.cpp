// The events of the link in the program.

#include "node/hello.hpp"
#include "node/node_backend.hpp"
#include "node/raw_results.hpp"
#include "node/wire.hpp"

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/errors.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <utility>

namespace cadre::detail::node {

void node_backend::received(delivery message) noexcept {
    const node_id from = message.from;
    try {
        handle(message);
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "cadre: executor '%s': dropped a message of agent %u: %s\n", settings_.name.c_str(), from,
                     problem.what());
    }
}

void node_backend::handle(delivery& message) {
    const std::span<const std::byte> bytes = message.body.span();
    const message_kind kind = kind_of(bytes);
    // The link itself hands back calls.
    if (kind == message_kind::call && message.from != 0) throw_malformed("a call, which only the program sends");
    // Messages of an agent that is gone, or was refused, are ignored.
    if (kind != message_kind::call && kind != message_kind::unusable && !is_joined(message.from)) return;
    switch (kind) {
        case message_kind::reply: return handle_reply(message.from, std::move(message.body));
        case message_kind::returned: return handle_returned(message.from, decode_note(bytes));
        case message_kind::progress: return handle_progress(message.from, bytes);
        case message_kind::held: return handle_held(message.from, bytes);
        case message_kind::status: return handle_status(message.from, bytes);
        case message_kind::unusable: return handle_unusable(message.from, decode_text(bytes));
        case message_kind::arguments_request: return handle_arguments_request(message.from, decode_note(bytes));
        case message_kind::declined: return handle_declined(message.from, decode_note(bytes).number);
        case message_kind::lost: return handle_lost(message.from, decode_note(bytes).number);
        case message_kind::call: return handle_undelivered(number_of_call(bytes), message.redelivered);
        case message_kind::home_request:
        case message_kind::home_stop:
        case message_kind::home_ended: return handle_home(message.from, kind, bytes);
        case message_kind::part:
            if (auto whole = parts_.add(message.from, bytes)) {
                message.body = std::move(whole->bytes);
                if (kind_of(message.body.span()) == message_kind::part) throw_malformed("a part of a part");
                if (whole->incomplete) return handle_incomplete(message.from, message.body.span());
                handle(message);
            }
            return;
        default: throw_malformed("a message that only an agent receives");
    }
}

void node_backend::handle_reply(node_id from, byte_buffer message) {
    const std::string* host = nullptr;
    {
        const std::lock_guard hold(mutex_);
        host = host_of(from);
    }
    received_reply r;
    r.number = number_of_reply(message.span());
    try {
        r = decode_reply(std::move(message), host != nullptr ? *host : "an unknown host");
    } catch (const std::bad_alloc&) {
        r.reply = failed(std::current_exception());
    }
    actions later;
    {
        const std::lock_guard hold(mutex_);
        placed_call* const c = find_at_agent(r.number, from);
        if (c == nullptr) return;  // the call was reported as lost before
        try {
            if (r.reply.items_done > c->items) throw_malformed("a reply about more items than the call has");
            put_raw_results(*c->call, c->items, r.reply);
        } catch (const std::exception&) {
            r.reply = failed(std::current_exception());
        }
        if (host != nullptr) c->call->worker_host.store(host, std::memory_order_release);
        c->call->worker_pid.store(r.worker, std::memory_order_relaxed);
        end(*c, std::move(r.reply), later);
        dispatch(later);
    }
    perform(std::move(later));
}

// A message for which there was no memory: what waits for it would wait without end.
void node_backend::handle_incomplete(node_id from, std::span<const std::byte> message) {
    const message_kind kind = kind_of(message);
    if (kind == message_kind::home_request) {
        const home_message m = take_home(message);
        byte_buffer body;
        put(body, op_status::exhausted);
        if (m.ticket != 0) answer({from, m.worker}, m.ticket, std::move(body));
        return;
    }
    if (kind != message_kind::reply) throw std::bad_alloc();
    actions later;
    {
        const std::lock_guard hold(mutex_);
        placed_call* const c = find_at_agent(number_of_reply(message), from);
        if (c == nullptr) return;
        end(*c, failed(std::make_exception_ptr(std::bad_alloc())), later);
        dispatch(later);
    }
    perform(std::move(later));
}

void node_backend::handle_returned(node_id sender, const note& n) {
    portable_call* call = nullptr;
    const auto from = static_cast<std::uint32_t>(std::min<std::uint64_t>(n.value, UINT32_MAX));
    {
        const std::lock_guard hold(mutex_);
        placed_call* const c = find_at_agent(n.number, sender);
        if (c == nullptr) return;
        if (std::exchange(c->items_returned, true)) throw_malformed("items returned twice");
        const bool may_return = c->call->raw.enabled || c->call->returns_items;
        if (!may_return || from == 0 || from >= c->items || from < c->progress.items_done)
            throw_malformed("returned items that the call does not have");
        c->items = from;
        call = c->call;
    }
    call->take_back(from);  // the call is alive: only events complete calls that agents have
}

void node_backend::handle_progress(node_id from, std::span<const std::byte> message) {
    received_progress p = decode_progress(message);
    const std::lock_guard hold(mutex_);
    placed_call* const c = find_at_agent(p.number, from);
    if (c == nullptr) return;
    chunk_progress_report& known = c->progress;
    if (p.report.items_done > c->items || p.report.items_done < known.items_done ||
        known.results.size() + p.report.results.size() > max_body ||
        known.item_errors.size() + p.report.item_errors.size() > max_body)
        throw_malformed("impossible progress of a call");
    known.items_done = p.report.items_done;
    known.results.append(p.report.results.span());
    known.item_errors.append(p.report.item_errors.span());
}

void node_backend::handle_held(node_id from, std::span<const std::byte> message) {
    const std::vector<held_call> held = decode_held(message);
    const std::lock_guard hold(mutex_);
    const std::string* const host = host_of(from);
    if (host == nullptr) return;
    for (const held_call& each : held)
        if (placed_call* const c = find_at_agent(each.number, from); c != nullptr) {
            c->taken_by = from;
            c->call->worker_host.store(host, std::memory_order_release);
            c->call->worker_pid.store(static_cast<pid_t>(each.worker), std::memory_order_relaxed);
        }
}

void node_backend::handle_status(node_id from, std::span<const std::byte> message) {
    const agent_status status = decode_status(message);
    actions later;
    {
        const std::lock_guard hold(mutex_);
        const auto found = agents_.find(from);
        if (found == agents_.end()) return;
        found->second.restarts = status.restarts;
        placement_.set_agent(from, status.workers, status.credit);
        joined_.notify_all();
        dispatch(later);
    }
    perform(std::move(later));
}

void node_backend::handle_unusable(node_id from, const std::string& why) {
    const std::lock_guard hold(mutex_);
    const std::string* const host = host_of(from);
    refusal_ = "host " + (host != nullptr ? *host : "of agent " + std::to_string(from)) + " cannot run calls: " + why;
    std::fprintf(stderr, "cadre: executor '%s': %s\n", settings_.name.c_str(), refusal_.c_str());
    joined_.notify_all();
}

// The call is alive: only events complete calls that agents have.
void node_backend::handle_arguments_request(node_id from, const note& n) {
    const portable_call* call = nullptr;
    {
        const std::lock_guard hold(mutex_);
        placed_call* const c = find_at_agent(n.number, from);
        if (c == nullptr) return;
        // Each part is sent once, so that an agent cannot make this process send without end.
        if (n.value != c->arguments_sent) throw_malformed("a request for arguments that does not follow the last one");
        c->arguments_sent += part_size;
        call = c->call;
    }
    byte_buffer part;
    try {
        part = encode_arguments(n.number, *call, n.value);
    } catch (const std::bad_alloc&) {
        part = encode_note(message_kind::stop, {n.number, static_cast<std::uint64_t>(stop_reason::requested)});
    }
    link_->publish(target::agent, from, std::move(part));
}

void node_backend::handle_home(node_id from, message_kind kind, std::span<const std::byte> message) {
    if (kind == message_kind::home_request) {
        const home_message m = take_home(message);
        return objects_.request({from, m.worker}, m.ticket, message);
    }
    const note n = decode_note(message);
    if (kind == message_kind::home_stop)
        objects_.stop({from, n.number}, n.value);
    else
        objects_.ended({from, n.number});
}

void node_backend::answer(home_client to, std::uint64_t ticket, byte_buffer body) noexcept {
    if (to.node == 0) return local_port_.answer(to.worker, ticket, body.span());
    static_assert(tail_size<home_message> <= home_answers::spare);
    const home_message fields{to.worker, ticket};
    const std::byte status = status_without_answer(body.span());
    try {
        append_fields(body, fields, message_kind::home_answer);
        publish_in_parts(*link_, target::agent, to.node, std::move(body));
    } catch (const std::bad_alloc&) {  // only large messages allocate memory
        byte_buffer rest;
        put(rest, status);
        append_fields(rest, fields, message_kind::home_answer);
        link_->publish(target::agent, to.node, std::move(rest));
    }
}

void node_backend::handle_declined(node_id from, call_number number) {
    {
        const std::lock_guard hold(mutex_);
        if (find_at_agent(number, from) == nullptr) return;
    }
    handle_undelivered(number, false);
}

// The engine redelivers a call to an agent that did not have it.
void node_backend::handle_lost(node_id from, call_number number) {
    if (!link_->redelivers()) {
        const std::lock_guard hold(mutex_);
        if (find_at_agent(number, from) == nullptr) return;
    }
    handle_undelivered(number, true);
}

void node_backend::handle_undelivered(call_number number, bool may_have_begun) {
    actions later;
    {
        const std::lock_guard hold(mutex_);
        placed_call* const c = find_at_agent(number);
        if (c == nullptr) return;
        if (may_have_begun) {
            const std::string* const known = c->call->worker_host.load(std::memory_order_acquire);
            const std::string& host = known != nullptr ? *known : last_lost_;
            lose(*c, host.empty() ? "its host has left the run" : "host " + host + " has left the run", later);
        } else if (c->stop != stop_reason::none) {
            end(*c, failed(std::make_exception_ptr(cancelled{})), later);
        } else {
            placement_.wait_again(*c);  // no agent has received it
        }
        dispatch(later);
    }
    perform(std::move(later));
}

void node_backend::agent_joined(node_id id, byte_buffer hello) noexcept {
    try {
        agent_hello h = decode_agent_hello(hello.span());
        const std::lock_guard hold(mutex_);
        if (h.build != build_of_program()) {
            refusal_ = other_build_text(settings_.host, h.build, h.host);
            std::fprintf(stderr, "cadre: executor '%s': %s; it receives no calls\n", settings_.name.c_str(),
                         refusal_.c_str());
            joined_.notify_all();
            return;
        }
        agents_[id] = {.host = keep_host(std::move(h.host))};
        link_->publish(target::agent, id, encode_note(message_kind::welcome, {epoch_, 0}));
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "cadre: executor '%s': agent %u cannot join: %s\n", settings_.name.c_str(), id,
                     problem.what());
    }
}

template <class Condition>
void node_backend::lose_all(Condition is_lost, const std::string& why, actions& later) {
    for (const call_number number : placement_.numbers())
        if (placed_call* const c = placement_.find(number); is_lost(*c)) lose(*c, why, later);
}

// The links detect losses: mpi/link_losses.cpp, cluster/amqp/program_link.cpp.
void node_backend::agent_gone(node_id id) noexcept {
    actions later;
    {
        const std::lock_guard hold(mutex_);
        parts_.forget(id);
        const auto found = agents_.find(id);
        if (found == agents_.end()) return;
        last_lost_ = *found->second.host;
        restarts_ += found->second.restarts;
        agents_.erase(found);
        // The engine redelivers the calls that this agent had not reported.
        lose_all([id](const placed_call& c) { return c.taken_by == id; }, "host " + last_lost_ + " has left the run",
                 later);
        placement_.remove_agent(id);
        if (link_->redelivers() && agents_.empty()) link_->drain_work();
        dispatch(later);
    }
    objects_.node_ended(id);
    perform(std::move(later));
}

void node_backend::engine_gone(std::string why) noexcept {
    actions later;
    std::vector<node_id> gone;
    {
        const std::lock_guard hold(mutex_);
        parts_.clear();
        for (const auto& [id, a] : agents_) {
            restarts_ += a.restarts;
            gone.push_back(id);
        }
        agents_.clear();
        epoch_ = executor_identity::make().low;
        lose_all([](const placed_call& c) { return !c.waits && (c.at == nullptr || !c.at->local); }, why, later);
        placement_.remove_agents();
        dispatch(later);
    }
    for (const node_id id : gone)
        objects_.node_ended(id);
    perform(std::move(later));
}

bool node_backend::is_joined(node_id id) noexcept {
    const std::lock_guard hold(mutex_);
    return agents_.contains(id);
}

placed_call* node_backend::find_at_agent(call_number number) noexcept {
    placed_call* const c = placement_.find(number);
    return c != nullptr && !c->waits && c->relay == nullptr ? c : nullptr;
}

// Messages about other calls are ignored: an agent must not affect calls that it does not have.
placed_call* node_backend::find_at_agent(call_number number, node_id has_it) noexcept {
    placed_call* const c = find_at_agent(number);
    return c != nullptr && (c->taken_by == 0 || c->taken_by == has_it) ? c : nullptr;
}

const std::string* node_backend::host_of(node_id id) const {
    const auto found = agents_.find(id);
    return found != agents_.end() ? found->second.host : nullptr;
}

const std::string* node_backend::keep_host(std::string host) { return &*hosts_.insert(std::move(host)).first; }

}  // namespace cadre::detail::node
