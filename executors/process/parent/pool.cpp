// Submission and placement: which call goes to which worker, and when.

#include "process/parent/pool.hpp"

#include "process/os/syscalls.hpp"
#include "process/parent/completion_scope.hpp"
#include "process/parent/nested_call.hpp"

#include <cadre/detail/codec/call_name.hpp>
#include <cadre/detail/coroutine/environment.hpp>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include <unistd.h>

namespace cadre::detail::process_parent {

using process_plane::block;
using process_plane::loop_state;
using process_plane::request;

namespace {

std::exception_ptr no_memory_for_arguments() { return std::make_exception_ptr(std::bad_alloc()); }

// Every worker reads these words: written only when they change.
void set_word(std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
    if (word.load(std::memory_order_relaxed) != value) word.store(value, std::memory_order_seq_cst);
}

call_reply failure(std::exception_ptr error) {
    call_reply reply;
    reply.kind = reply_kind::failure;
    reply.error = std::move(error);
    return reply;
}

}  // namespace

void pool::submit(std::span<portable_call* const> calls, bool nested) noexcept {
    ended_calls ended;
    {
        const std::lock_guard hold(mutex_);
        for (portable_call* call : calls)
            enqueue(*call, nested, ended);
        place_queued_calls(ended);
    }
    tell(ended);
}

void pool::enqueue(portable_call& call, bool nested, ended_calls& ended) {
    call.backend_data = nullptr;
    if (ended_with_ != nullptr || quitting_) {
        ended.push_back(
            {&call, failure(ended_with_ != nullptr ? ended_with_ : std::make_exception_ptr(executor_stopped()))});
        return;
    }
    if (options_.max_pending != 0 && waiting_.size() >= options_.max_pending) {
        place_queued_calls(ended);
        if (waiting_.size() >= options_.max_pending) {
            ended.push_back({&call, failure(std::make_exception_ptr(
                                        error("executor '" + name_ + "': " + std::to_string(waiting_.size()) +
                                              " calls wait for a worker, which is its limit (max_pending)")))});
            return;
        }
    }
    std::optional<std::uint16_t> entry;
    std::exception_ptr unnamed;
    try {
        entry = functions_.number(call.entry);
    } catch (...) {
        unnamed = std::current_exception();
    }
    if (!entry) {
        if (unnamed == nullptr)
            unnamed =
                std::make_exception_ptr(error("executor '" + name_ + "' has been called with too many functions"));
        ended.push_back({&call, failure(std::move(unnamed))});
        return;
    }
    call_record& r = table_.make();
    r.call = &call;
    r.entry = *entry;
    r.nested = nested;
    if (call.id == 0) call.id = next_task_id();
    r.id = call.id;
    r.retries = call.options.retries >= 0 ? call.options.retries : options_.retries;
    r.limit = options_.task_timeout;
    if (call.options.timeout.count() > 0 && (r.limit.count() == 0 || call.options.timeout < r.limit))
        r.limit = call.options.timeout;
    call.backend_data = &r;
    waiting_.push_back(r);
}

// Publishes as much as the workers have credit for; what is left waits here, where any of them can get it.
void pool::place_queued_calls(ended_calls& ended) noexcept {
    place_where_credit_is(ended);
    // Before the rings: a worker that has none left looks at this before it sleeps.
    set_word(page_.words().waiting, waiting_.empty() ? 0 : 1);
    // A worker without calls sends nothing that would bring us here again: it may have passed what was taken back from
    // it since we looked, and have slept before it could see the word.
    if (!waiting_.empty() && anyone_idle()) {
        process_plane::full_fence();
        place_where_credit_is(ended);
        if (waiting_.empty()) set_word(page_.words().waiting, 0);
    }
    ring_all();
    update_spare();
}

void pool::place_where_credit_is(ended_calls& ended) noexcept {
    const auto place = [&](call_record& r, worker_connection& c) {
        waiting_.remove(r);
        if (!publish(r, c)) fail(r, no_memory_for_arguments(), ended);
    };
    while (call_record* r = waiting_.front()) {
        worker_connection* const c = pick();
        if (c == nullptr) break;
        place(*r, *c);
    }
    // Where every worker retires, its tasks may wait for calls that would wait for its successor.
    while (waiting_.has_nested()) {
        worker_connection* const c = pick_retiring();
        if (c == nullptr) break;
        place(*waiting_.first_nested(), *c);
    }
}

bool pool::anyone_idle() const noexcept {
    return std::any_of(channels_.begin(), channels_.end(),
                       [](const auto& c) { return c != nullptr && c->accepts() && c->calls.empty(); });
}

worker_connection* pool::pick() noexcept {
    const std::uint64_t depth = times_.depth();
    worker_connection* best = nullptr;
    for (const auto& c : channels_)
        if (c != nullptr && c->accepts() && (best == nullptr || c->load() < best->load()) && c->has_credit(depth))
            best = c.get();
    return best;
}

// @return null as long as a worker that does not retire is there or about to come
worker_connection* pool::pick_retiring() noexcept {
    const std::uint64_t depth = times_.depth();
    worker_connection* best = nullptr;
    for (const auto& c : channels_) {
        if (c == nullptr || c->life != worker_connection::stage::retiring) return nullptr;
        if ((best == nullptr || c->load() < best->load()) && c->has_credit(depth)) best = c.get();
    }
    return best;
}

bool pool::publish(call_record& r, worker_connection& c) noexcept {
    const portable_call& call = *r.call;
    request q{};
    q.call_id = r.id;
    q.ticket = call_table::ticket(r);
    q.entry = r.entry;
    if (call.items != 1) q.flags |= request::chunk;
    if (!call.options.name.empty()) q.flags |= request::named;
    if (r.limit.count() != 0) q.flags |= request::timed;

    std::array<std::span<const std::byte>, 4> parts{};
    std::size_t count = 0;
    const auto name_size = static_cast<std::uint16_t>(std::min<std::size_t>(call.options.name.size(), 1000));
    if (call.items != 1) parts[count++] = std::as_bytes(std::span(&call.items, 1));
    if (name_size != 0) {
        parts[count++] = std::as_bytes(std::span(&name_size, 1));
        parts[count++] = std::as_bytes(std::span(call.options.name.data(), name_size));
    }
    parts[count++] = call.arguments.span();

    block body;
    if (!process_plane::put_body(q, c.area, body, std::span(parts).first(count))) return false;
    if (r.entry >= c.functions_known)
        c.functions_known = functions_.write_from(c.functions_known, c.memory.parts().functions);

    r.channel = &c;
    r.call->worker_pid.store(c.os.pid, std::memory_order_relaxed);
    r.begun = false;
    r.position = c.requests.publish(q, body);
    if (c.calls.empty()) ++busy_;
    c.calls.push_back(r);
    ++c.queued;
    ++c.published;
    c.ring_wanted = true;
    unfinished_.fetch_add(1, std::memory_order_relaxed);
    if (c.share_used() && c.life == worker_connection::stage::ready) c.life = worker_connection::stage::retiring;
    if (r.limit.count() != 0) arm(r, std::chrono::steady_clock::now() + r.limit);
    return true;
}

void pool::ring_all() noexcept {
    for (const auto& c : channels_)
        if (c != nullptr && std::exchange(c->ring_wanted, false)) c->ring();
}

// A parent that spins while every core computes takes a third of their speed: spin only while one is left for it.
void pool::update_spare() noexcept {
    const std::uint32_t spare = busy_ < cores_ ? 1 : 0;
    set_word(page_.words().spare, spare);
}

bool pool::expects_soon() noexcept {
    if (unfinished_.load(std::memory_order_relaxed) == 0 || page_.words().spare.load(std::memory_order_relaxed) == 0)
        return false;
    const std::unique_lock draining(drain_, std::try_to_lock);
    if (!draining) return false;
    // On the same core spinning only keeps the worker from running.
    const std::int32_t here = process_plane::current_cpu();
    return std::any_of(channels_.begin(), channels_.end(), [here](const auto& c) {
        return c != nullptr && c->memory.control().cpu.load(std::memory_order_relaxed) != here;
    });
}

void pool::loop_is(loop_state state) noexcept {
    auto& words = page_.words();
    words.loop_cpu.store(process_plane::current_cpu(), std::memory_order_relaxed);
    const std::uint64_t count = loop_word_.fetch_add(4, std::memory_order_relaxed) + 4;
    words.loop.store(count | static_cast<std::uint64_t>(state), std::memory_order_relaxed);
    process_plane::full_fence();
}

void pool::end(call_record& r, call_reply reply, ended_calls& ended) noexcept {
    if (r.channel != nullptr) {
        r.channel->calls.remove(r);
        if (r.channel->calls.empty()) --busy_;
        unfinished_.fetch_sub(1, std::memory_order_relaxed);
    }
    disarm(r);
    portable_call* const call = r.call;
    call->backend_data = nullptr;
    table_.drop(r);
    ended.push_back({call, std::move(reply)});
}

void pool::fail(call_record& r, std::exception_ptr error, ended_calls& ended) noexcept {
    call_reply reply = failure(std::move(error));
    reply.items_done = r.items_done;
    reply.partial = std::move(r.partial);
    end(r, std::move(reply), ended);
}

void pool::tell(ended_calls& ended) noexcept {
    const completion_scope here;
    for (ended_call& e : ended)
        e.call->complete(std::move(e.reply));
    ended.clear();
}

task_label pool::label(const call_record& r) const {
    const std::string& given = r.call->options.name;
    return {given, given.empty() ? call_name(r.call->entry, r.call->arguments.span()) : "task '" + given + "'"};
}

executor_stats pool::stats() const {
    executor_stats s;
    s.submitted = registry_.entered();
    s.running = registry_.live();
    s.completed = s.submitted - s.running;
    const std::lock_guard hold(mutex_);
    s.restarts = restarts_;
    s.workers = static_cast<std::uint64_t>(
        std::count_if(channels_.begin(), channels_.end(), [](const auto& c) { return c != nullptr; }));
    return s;
}

}  // namespace cadre::detail::process_parent
