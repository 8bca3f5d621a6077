// The messages of a program to an agent, and its calls.

#include "node/agent.hpp"

#include "base/available_memory.hpp"
#include "node/relayed_call.hpp"
#include "state/home_protocol.hpp"

#include <cadre/detail/codec/call_name.hpp>
#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/detail/scheduler/shutdown_alarm.hpp>
#include <cadre/errors.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <typeinfo>
#include <utility>

namespace cadre::detail::node {

namespace {

constexpr std::size_t max_early_stops = std::size_t{1} << 20;
constexpr std::uint64_t arguments_ahead = 4 * std::uint64_t{part_size};  // maximum that is requested at once
// A shorter call is reported by its reply only.
constexpr std::chrono::milliseconds reports_after{20};
constexpr std::chrono::milliseconds reports_progress_every{100};
constexpr std::chrono::milliseconds poll_period{20};
constexpr std::chrono::milliseconds short_poll_period{2};  // while all credit is used
constexpr std::size_t max_held_in_message = 10'000;

}  // namespace

void agent::received(delivery message) noexcept {
    try {
        handle(message);
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "cadre: agent: dropped a message: %s\n", problem.what());
        if (message.tag != 0) link_->acknowledge(message.tag);
    }
}

void agent::handle(delivery& message) {
    switch (kind_of(message.body.span())) {
        case message_kind::welcome: {
            const note n = decode_note(message.body.span());
            const std::lock_guard hold(mutex_);
            welcome_ = true;
            epoch_ = n.number;
            if (pool_ && program_here_) announce();
            return;
        }
        case message_kind::call: return run_call(message);
        case message_kind::arguments: return handle_arguments(std::move(message.body));
        case message_kind::stop: {
            const note n = decode_note(message.body.span());
            constexpr auto strongest = static_cast<std::uint64_t>(stop_reason::kill);
            return handle_stop(n.number, static_cast<stop_reason>(std::clamp<std::uint64_t>(n.value, 1, strongest)));
        }
        case message_kind::home_answer: {
            std::span<const std::byte> body = message.body.span();
            const home_message m = take_home(body);
            return pass_on_answer(m, body);
        }
        case message_kind::part:
            if (auto whole = parts_.add(message.from, message.body.span())) {
                message.body = std::move(whole->bytes);
                if (kind_of(message.body.span()) == message_kind::part) throw_malformed("a part of a part");
                if (whole->incomplete) return handle_incomplete(message.body.span());
                handle(message);
            }
            return;
        default: throw_malformed("a message that only the program receives");
    }
}

void agent::pass_on_answer(const home_message& m, std::span<const std::byte> body) {
    std::unique_lock hold(mutex_);
    const std::shared_ptr<home_relay> relay = relay_;
    hold.unlock();
    if (relay != nullptr) relay->answer(m.worker, m.ticket, body);
}

// An answer for which there was no memory: its task would wait without end.
void agent::handle_incomplete(std::span<const std::byte> message) {
    if (kind_of(message) != message_kind::home_answer) throw std::bad_alloc();
    const home_message m = take_home(message);
    const std::byte status = status_without_answer(message);
    pass_on_answer(m, std::span(&status, 1));
}

void agent::run_call(delivery& message) {
    if (message.redelivered) {
        const call_number number = number_of_call(message.body.span());
        link_->publish(target::program, 0, encode_note(message_kind::lost, {number, 0}));
        return link_->acknowledge(message.tag);
    }
    const call_number number = number_of_call(message.body.span());
    relayed_call* relayed = nullptr;
    stop_reason early = stop_reason::none;
    try {
        relayed = admit(decode_call(std::move(message.body)), message.tag, early);
    } catch (const std::exception&) {  // malformed, or out of memory: the program gets the error
        publish_in_parts(*link_, target::program, 0, encode_reply(number, failed(std::current_exception()), 0));
        return link_->acknowledge(message.tag);
    }
    if (relayed == nullptr) return;
    if (early != stop_reason::none) return relayed->complete(failed(std::make_exception_ptr(cancelled{})));
    if (relayed->has_arguments()) return start_call(*relayed);
    const std::uint64_t all = relayed->missing_arguments();
    if (!memory_left_for(all)) return relayed->complete(failed(std::make_exception_ptr(std::bad_alloc())));
    for (; relayed->requested < std::min(all, arguments_ahead); relayed->requested += part_size)
        link_->publish(target::program, 0,
                       encode_note(message_kind::arguments_request, {relayed->number, relayed->requested}));
}

// @return null if this agent does not run the call
relayed_call* agent::admit(received_call from, std::uint64_t tag, stop_reason& early) {
    if (!is_trampoline(from.entry))
        throw not_portable("the function of a call does not exist on host " + host_ +
                           ": a library that was loaded after the start is not loaded there");
    const call_number number = from.number;
    const std::lock_guard hold(mutex_);
    if (calls_.contains(number)) return nullptr;
    if (leaving_) link_->publish(target::program, 0, encode_note(message_kind::declined, {number, 0}));
    // The program has dropped calls of another epoch.
    if (leaving_ || !welcome_ || !program_here_ || from.epoch != epoch_) {
        link_->acknowledge(tag);
        return nullptr;
    }
    if (!alarm_set_ || (!alarm_soon_ && calls_.size() + 1 >= credit_.credit())) set_alarm();
    relayed_call*& added = calls_[number];
    try {
        added = new relayed_call(*this, std::move(from), tag, generation_);
    } catch (...) {
        calls_.erase(number);
        throw;
    }
    if (const auto found = early_stops_.find(number); found != early_stops_.end()) {
        early = found->second;
        early_stops_.erase(found);
    }
    return added;
}

void agent::start_call(relayed_call& call) noexcept {
    executor pool;
    {
        const std::lock_guard hold(mutex_);
        pool = pool_;
    }
    call.start(std::move(pool));
}

// An event. While a program is served, nothing else ends calls that wait for arguments.
void agent::handle_arguments(byte_buffer message) {
    arguments_part part = decode_arguments(std::move(message));
    relayed_call* call = nullptr;
    {
        const std::lock_guard hold(mutex_);
        const auto found = calls_.find(part.number);
        if (found == calls_.end() || found->second->has_arguments() || !is_waited_for(*found->second))
            return;  // the call was stopped meanwhile
        call = found->second;
    }
    const std::uint64_t missing = call->missing_arguments();
    if (part.offset != call->arguments_size() || part.bytes.size() != std::min<std::uint64_t>(part_size, missing))
        return call->complete(
            failed(std::make_exception_ptr(codec_error("the parts of the arguments are inconsistent"))));
    try {
        call->add_arguments(std::move(part.bytes));
    } catch (const std::bad_alloc&) {
        return call->complete(failed(std::current_exception()));
    }
    if (call->has_arguments()) return start_call(*call);
    if (call->requested < part.offset + missing) {
        link_->publish(target::program, 0,
                       encode_note(message_kind::arguments_request, {call->number, call->requested}));
        call->requested += part_size;
    }
}

void agent::handle_stop(call_number number, stop_reason why) {
    relayed_call* incomplete = nullptr;
    {
        const std::lock_guard hold(mutex_);
        // A call in the table is alive: it is removed under the mutex before it is deleted.
        if (const auto found = calls_.find(number); found == calls_.end()) {
            if (early_stops_.size() >= max_early_stops) early_stops_.clear();  // these calls ended long ago
            early_stops_[number] = why;
        } else if (!is_waited_for(*found->second)) {
            return;
        } else if (!found->second->has_arguments()) {
            incomplete = found->second;
        } else if (pool_) {
            pool_.backend()->request_stop(*found->second, why);
        }
    }
    if (incomplete != nullptr) incomplete->complete(failed(std::make_exception_ptr(cancelled{})));
}

// A program that has lost this agent has counted its calls as lost, even if the agent rejoins the same program.
bool agent::is_waited_for(const relayed_call& call) const noexcept {
    return program_here_ && call.generation == generation_;
}

void agent::returned(const relayed_call& call, std::uint32_t from) noexcept {
    const std::lock_guard hold(mutex_);
    if (is_waited_for(call))
        link_->publish(target::program, 0, encode_note(message_kind::returned, {call.number, from}));
}

// On a thread of the pool or of the link.
void agent::ended(relayed_call& call, call_reply reply) noexcept {
    bool waited_for = false;
    {
        const std::lock_guard hold(mutex_);
        waited_for = is_waited_for(call);
    }
    const std::uint32_t nanoseconds = reply.nanoseconds;
    if (waited_for)
        publish_in_parts(*link_, target::program, 0,
                         encode_reply(call.number, std::move(reply), call.worker_pid.load(std::memory_order_relaxed)));
    const std::lock_guard hold(mutex_);
    link_->acknowledge(call.tag);
    calls_.erase(call.number);
    credit_.ended(nanoseconds);
    if (calls_.empty() && leaving_) wake_loop_drivers();
}

void agent::set_alarm() {
    alarm_set_ = true;
    alarm_soon_ = calls_.size() + 1 >= credit_.credit();
    const auto after = alarm_soon_ ? short_poll_period : poll_period;
    static_cast<void>(shutdown_alarm::arm(clock::now() + after, [fired = alarm_fired_] {
        fired->store(true, std::memory_order_release);
        wake_loop_drivers();
    }));
}

void agent::supervise_calls() {
    if (!alarm_fired_->exchange(false, std::memory_order_acq_rel)) return;
    const std::lock_guard hold(mutex_);
    alarm_set_ = alarm_soon_ = false;
    if (!pool_ || !welcome_) return;
    const auto now = clock::now();
    std::vector<held_call> held;
    auto* const source = static_cast<chunk_progress_source*>(pool_.backend()->query(typeid(chunk_progress_source)));
    for (const auto& [number, call] : calls_) {
        if (!is_waited_for(*call) || now - call->arrived < reports_after) continue;
        const pid_t worker = call->worker_pid.load(std::memory_order_relaxed);
        if ((!call->reported || worker != call->worker_reported) && held.size() < max_held_in_message) {
            held.push_back({number, worker});
            call->reported = true;
            call->worker_reported = worker;
        }
        if (source == nullptr || call->items == 1 ||
            now - std::max(call->progress_at, call->arrived) < reports_progress_every)
            continue;
        call->progress_at = now;
        chunk_progress_report report;
        if (!source->progress_of(*call, call->results_reported, call->errors_reported, report)) continue;
        if (report.items_done <= call->items_reported) continue;
        call->items_reported = report.items_done;
        call->results_reported += report.results.size();
        call->errors_reported += report.item_errors.size();
        link_->publish(target::program, 0, encode_progress(number, report));
    }
    if (!held.empty()) link_->publish(target::program, 0, encode_held(held));
    const pool_load load = load_of(pool_);
    if (!leaving_ && credit_.adapt(calls_.size(), load.queued))
        announce();
    else if (load.restarts != reported_restarts_)
        send_status();
    if (!calls_.empty()) set_alarm();
}

}  // namespace cadre::detail::node
