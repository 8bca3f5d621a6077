// What the link reports to the program.

#include "node/node_backend.hpp"

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/errors.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace cadre::detail::node {

void node_backend::received(delivery message) noexcept {
    try {
        handle(message);
    } catch (const std::exception& problem) {  // an agent does not speak for others: its message is dropped
        std::fprintf(stderr, "cadre: executor '%s': dropped a message of agent %u: %s\n", settings_.name.c_str(),
                     message.from, problem.what());
    }
}

void node_backend::handle(delivery& message) {
    const std::span<const std::byte> bytes = message.body.span();
    const message_kind kind = kind_of(bytes);
    switch (kind) {
        case message_kind::reply: return handle_reply(message.from, bytes);
        case message_kind::returned: {
            const received_note note = decode_note(bytes);
            return handle_returned(note.number, note.value);
        }
        case message_kind::ready: return handle_ready(message.from, decode_note(bytes).value);
        case message_kind::unusable: {
            const std::lock_guard hold(mutex_);
            std::fprintf(stderr, "cadre: executor '%s': host %s runs no calls: %s\n", settings_.name.c_str(),
                         host_of(message.from).c_str(), decode_text(bytes).c_str());
            return;
        }
        case message_kind::lost:
        case message_kind::call: break;  // back from the queue
        case message_kind::stop: throw_malformed("a stop request to the program");
    }
    const call_number number = kind == message_kind::lost ? decode_note(bytes).number : number_of_call(bytes);
    actions later;
    {
        const std::lock_guard hold(mutex_);
        if (kind == message_kind::lost || message.redelivered) {
            lose(number, last_lost_.empty() ? "the agent that had it is gone" : "host " + last_lost_ + " is gone",
                 later);
        } else if (const auto sent = take(number)) {  // no agent has seen it
            if (sent->stop == stop_reason::none)
                place(*sent->call, sent->retries, later);
            else
                later.ended.push_back({sent->call, failed(std::make_exception_ptr(cancelled{}))});
        }
    }
    perform(later);
}

void node_backend::handle_reply(node_id from, std::span<const std::byte> message) {
    std::string host;
    {
        const std::lock_guard hold(mutex_);
        host = host_of(from);
    }
    received_reply r = decode_reply(message, host);
    std::optional<sent_call> sent;
    {
        const std::lock_guard hold(mutex_);
        sent = take(r.number);
    }
    if (!sent) return;  // closed: it was reported as lost
    try {
        if (r.reply.items_done > sent->items) throw_malformed("a reply about more items than the call has");
        put_raw_results(*sent->call, sent->items, r.reply);
    } catch (const std::exception&) {
        r.reply = failed(std::current_exception());
    }
    sent->call->complete(std::move(r.reply));
}

// As the backend of a process executor leaves them.
void node_backend::put_raw_results(const portable_call& call, std::uint32_t items, call_reply& reply) {
    if (!call.raw.enabled || reply.kind == reply_kind::exception) return;
    byte_buffer& results = reply.kind == reply_kind::value ? reply.bytes : reply.partial;
    const std::uint32_t done = reply.kind == reply_kind::value ? items : reply.items_done;
    if (results.size() != std::uint64_t{done} * call.raw.result_size)
        throw_malformed("the results of a chunk have another size");
    if (call.raw.results == nullptr || results.empty()) return;
    std::memcpy(call.raw.results, results.data(), results.size());
    results.clear();
}

void node_backend::handle_returned(call_number number, std::uint32_t from) {
    portable_call* call = nullptr;
    {
        const std::lock_guard hold(mutex_);
        const auto found = calls_.find(number);
        if (found == calls_.end()) return;
        if (from == 0 || from >= found->second.items)
            throw_malformed("items were returned that the call does not have");
        found->second.items = from;
        call = found->second.call;
    }
    call->take_back(from);  // alive: only this thread completes calls of the link
}

void node_backend::handle_ready(node_id from, std::uint32_t workers) {
    const std::lock_guard hold(mutex_);
    const auto found = agents_.find(from);
    if (found == agents_.end()) return;
    remote_workers_ += workers - found->second.workers;
    found->second.workers = workers;
    joined_.notify_all();
}

void node_backend::work_given(node_id agent, std::span<const std::byte> body) noexcept {
    const call_number number = number_of_call(body);
    const std::lock_guard hold(mutex_);
    if (const auto found = calls_.find(number); found != calls_.end()) found->second.taken_by = agent;
}

void node_backend::agent_joined(node_id id, byte_buffer hello) noexcept {
    try {
        agent_hello h = decode_agent_hello(hello.span());
        if (h.build != build_of_program()) {
            std::fprintf(stderr,
                         "cadre: executor '%s': host %s runs build %s of the program and host %s build %s: it gets no "
                         "calls; install the same build\n",
                         settings_.name.c_str(), h.host.c_str(), build_text(h.build).c_str(), host_.c_str(),
                         build_text(build_of_program()).c_str());
            return;
        }
        const std::lock_guard hold(mutex_);
        agents_[id].host = std::move(h.host);
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "cadre: executor '%s': agent %u cannot join: %s\n", settings_.name.c_str(), id,
                     problem.what());
    }
}

template <class F>
void node_backend::lose_if(F condition, const std::string& why, actions& later) {
    std::vector<call_number> lost;
    for (const auto& [number, sent] : calls_)
        if (sent.local == nullptr && condition(sent)) lost.push_back(number);
    std::ranges::sort(lost);
    for (const call_number number : lost)
        lose(number, why, later);
}

void node_backend::agent_gone(node_id id) noexcept {
    actions later;
    {
        const std::lock_guard hold(mutex_);
        const auto found = agents_.find(id);
        if (found == agents_.end()) return;
        last_lost_ = found->second.host;
        remote_workers_ -= found->second.workers;
        agents_.erase(found);
        ++lost_agents_;
        if (!link_->redelivers())
            lose_if([id](const sent_call& sent) { return sent.taken_by == id; }, "host " + last_lost_ + " is gone",
                    later);
        if (remote_workers_ == 0) link_->drain_work();
    }
    perform(later);
}

void node_backend::engine_gone(std::string why) noexcept {
    actions later;
    {
        const std::lock_guard hold(mutex_);
        agents_.clear();
        remote_workers_ = 0;
        lose_if([](const sent_call&) { return true; }, why, later);
    }
    perform(later);
}

}  // namespace cadre::detail::node
