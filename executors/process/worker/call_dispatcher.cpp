#include "process/worker/call_dispatcher.hpp"

#include "process/worker/task_output.hpp"

#include "process/os/crash_page.hpp"
#include "process/worker/home_requests.hpp"
#include "scheduler/traced_run.hpp"

#include <cadre/detail/base/append_pieces.hpp>
#include <cadre/detail/call/call_trampoline.hpp>
#include <cadre/errors.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <cadre/detail/base/populate.hpp>

namespace cadre::detail::process_worker {

using process_plane::call_memory;
using process_plane::event;
using process_plane::event_kind;
using process_plane::request;

namespace {

// The number of short calls that run before the loop polls its other sources again. A long call is always the last one.
constexpr unsigned calls_per_round = 32;
// In nanoseconds. Results of quicker functions are announced together, unless one has waited for `max_pending_time`.
constexpr std::uint32_t long_call = 5'000;
constexpr std::int64_t max_pending_time = 20'000;

}  // namespace

call_dispatcher::call_dispatcher(const call_memory& memory, const process_plane::supervisor_status_page& page,
                                 event_sender& sender, process_plane::descriptor_socket& socket,
                                 std::shared_ptr<run_loop> loop, std::shared_ptr<worker_backend> backend,
                                 home_requests* home)
    : control_(memory.control()), parent_(page.words()), base_(memory.base()), sender_(sender), socket_(socket),
      loop_(std::move(loop)), backend_(std::move(backend)), home_(home),
      requests_(memory.parts().requests, control_.requests_consumed),
      replies_(memory.parts().replies, control_.replies_consumed), max_unfinished_(control_.setup.tasks_per_worker),
      functions_(memory.parts().functions), status_(control_), memory_(control_.setup.memory_soft_limit) {
    pump_.run = &pump;
    pump_.self = this;
}

// The end of a nested call destroys its arguments. A destructor of the program may ask for a shared object that lives
// elsewhere, which reads replies within this function: the event is passed before.
bool call_dispatcher::read_replies() noexcept {
    bool any = sender_.flush();
    event e;
    while (replies_.peek(e)) {
        worker_backend::ended_call ended = take_reply(e);
        replies_.advance();
        ended.complete();
        any = true;
    }
    return any;
}

bool call_dispatcher::poll() noexcept {
    bool any = read_replies();
    if (pump_.queued) return any;
    if (awaited_.ready || (requests_.ready() && may_claim())) {
        queue_round();
        any = true;
    } else if (!requests_.ready()) {
        request_work_once();
    }
    return any;
}

void call_dispatcher::queue_round() noexcept {
    pump_.queued = true;
    work_item* item = &pump_;
    loop_->submit(std::span(&item, 1));
}

worker_backend::ended_call call_dispatcher::take_reply(const event& e) {
    std::vector<unique_fd> descriptors;
    bool lost = false;
    if ((e.flags & event::descriptors) != 0) {
        auto arrived = socket_.receive();
        if (!arrived.valid) std::abort();  // the parent is trusted
        descriptors = std::move(arrived.descriptors);
        lost = arrived.lost;
    }
    if (e.kind != event_kind::descriptors) {
        std::span<const std::byte> body;
        if (!process_plane::find_body(e, base_, call_memory::parent_area, body)) return {};
        if (e.kind != event_kind::home_answer) return backend_->take_reply(e, body, std::move(descriptors));
        if (home_ != nullptr) home_->handle_answer(e, body);
        return {};
    }
    if (awaited_.call == nullptr || awaited_.call->ticket != e.id) return {};
    awaited_.call->descriptors = std::move(descriptors);
    awaited_.error = lost ? EMFILE : static_cast<int>(e.items);
    awaited_.ready = true;
    return {};
}

void call_dispatcher::pump(work_item* item) noexcept {
    auto& pump = *static_cast<pump_item*>(item);
    pump.queued = false;
    pump.self->run_round();
}

void call_dispatcher::run_round() noexcept {
    status_.publish_cpu();
    timer_.begin_round();
    if (awaited_.ready) run_awaited();
    unsigned left = calls_per_round;
    while (left != 0 && may_claim() && claim_one())
        left = timer_.last() >= long_call ? 0 : left - 1;
    timer_.end_round();
    sender_.notify_pending();
}

// A task that waits for a nested call admits another call: else tasks that call each other would fill all workers and
// wait forever.
bool call_dispatcher::may_claim() const noexcept {
    if (awaited_.call != nullptr) return false;
    if (retires_.load(std::memory_order_relaxed) && control_.retiring.load(std::memory_order_acquire) == 0)
        return false;
    return max_unfinished_ == 0 || calls_.size() < max_unfinished_ + std::min(calls_.size(), backend_->waiting_tasks());
}

bool call_dispatcher::claim_one() noexcept {
    calls_.begin_claim();
    request q;
    if (!requests_.claim(q)) {
        calls_.end_claim();
        return false;
    }
    __builtin_prefetch(&control_.events_consumed);  // loaded before the function runs
    auto* const call = new worker_call(*this, q.ticket);
    read_request(q, *call);
    requests_.consume();
    calls_.insert(*call);
    calls_.end_claim();
    if ((q.flags & request::descriptors) != 0)
        ask_for_descriptors(*call, q.entry);
    else
        run(*call, q.entry);
    return true;
}

void call_dispatcher::ask_for_descriptors(worker_call& call, std::uint16_t entry) noexcept {
    awaited_ = {&call, entry, false, 0};
    event e{};
    e.kind = event_kind::descriptors_wanted;
    e.id = call.ticket;
    sender_.send(e, {}, event_sender::notice::urgent);
}

void call_dispatcher::run_awaited() noexcept {
    const auto [call, entry, ready, error] = std::exchange(awaited_, {});
    std::exception_ptr why;
    if (error != 0)
        why = std::make_exception_ptr(std::system_error(error, std::system_category(),
                                                        "the file descriptors of a call did not reach its worker"));
    else if (call->stop.stop_requested())
        why = std::make_exception_ptr(cancelled{});
    if (why == nullptr)
        run(*call, entry);
    else
        finish(call, exception_reply(why));
}

void call_dispatcher::read_request(const request& q, worker_call& call) const {
    std::span<const std::byte> body;
    if (!process_plane::find_body(q, base_, call_memory::parent_area, body)) std::abort();  // the parent is trusted
    // From the end of the body to its beginning.
    const auto take = [&body](auto& value) {
        std::memcpy(&value, body.data() + body.size() - sizeof value, sizeof value);
        body = body.first(body.size() - sizeof value);
    };
    if ((q.flags & request::chunk) != 0) take(call.items);
    call.timed = (q.flags & request::timed) != 0;
    if (call.timed && (q.flags & request::chunk) != 0) take(call.watch);
    if ((q.flags & request::raw) != 0) take(call.claim);
    call.may_return = (q.flags & request::returns) != 0;
    if ((q.flags & request::named) != 0) {
        std::uint16_t size = 0;
        take(size);
        call.name.assign(reinterpret_cast<const char*>(body.data() + body.size() - size), size);
        body = body.first(body.size() - size);
    }
    if ((q.flags & request::external) == 0) {
        call.inline_arguments.append(body);
        body = call.inline_arguments.span();
    }
    populate_for_reading(body.data(), body.size());
    call.arguments = body;  // a block belongs to the parent's record of the call, until the call has ended
    call.id = q.call_id;
    call.executor = backend_;
    call.home = loop_.get();
}

void call_dispatcher::run(worker_call& call, std::uint16_t entry) noexcept {
    const std::int64_t began = timer_.begin(call);
    if (call.timed) send_begun(call, began);
    worker_functions::function* f = nullptr;
    try {
        f = &functions_.find(entry);
    } catch (const std::exception& why) {
        timer_.cancel();
        reject(call, why);
        return;
    }
    call.entry.store(f->entry, std::memory_order_relaxed);
    notify_before(*f);
    wake_control_thread_if_results_unread();
    process_os::clear_failed_allocation();
    call.failures_before = process_os::failed_allocations();
    control_.begun_at.store(began, std::memory_order_relaxed);
    control_.begun.store(call.id, std::memory_order_relaxed);
    control_.running.store(call.id, std::memory_order_release);
    {
        const traced_run traced(call.id);
        if (tracing()) [[unlikely]]
            trace_begin(call.id);
        f->entry(call);  // the call may be deleted when this returns
    }
    control_.running.store(0, std::memory_order_release);
    timer_.leave();
    f->sample(timer_.last());
}

void call_dispatcher::send_begun(const worker_call& call, std::int64_t began) noexcept {
    event e{};
    e.kind = event_kind::begun;
    e.id = call.ticket;
    sender_.send(e, std::array{std::as_bytes(std::span(&began, 1))});
}

void call_dispatcher::send_returned(const worker_call& call, std::uint32_t from) noexcept {
    event e{};
    e.kind = event_kind::returned;
    e.id = call.ticket;
    e.items = from;
    sender_.send(e, {}, event_sender::notice::now);
}

void call_dispatcher::reject(worker_call& call, const std::exception& why) noexcept {
    event e{};
    e.kind = event_kind::rejected;
    e.id = call.ticket;
    calls_.erase(call);
    const std::string_view text = why.what();
    sender_.send(e, std::array{std::as_bytes(std::span(text.data(), text.size()))});
    delete &call;
}

// Announces pending results before a call that may take long, and if the parent sleeps: then it does not poll for them.
void call_dispatcher::notify_before(const worker_functions::function& next) noexcept {
    if (!sender_.has_pending()) return;
    const bool may_take_long = next.slowest == 0 || next.slowest >= long_call;
    if (may_take_long || timer_.pending_for() >= max_pending_time || parent_.asleep()) sender_.notify_pending();
}

// A function may compute for long, while the parent does not know of earlier results or has no room for more: the
// control thread checks that. Most calls begin when everything has been read, and wake no thread.
void call_dispatcher::wake_control_thread_if_results_unread() noexcept {
    if (status_.control_thread_sleeps() && sender_.may_be_unread()) status_.ring_control_thread();
}

void call_dispatcher::finish(worker_call* call, call_reply reply) noexcept {
    flush_task_output();
    event e{};
    e.kind = reply.kind == reply_kind::value        ? event_kind::value
             : reply.kind == reply_kind::unfinished ? event_kind::unfinished
                                                    : event_kind::exception;
    if (process_os::failed_allocations() != call->failures_before) e.flags = event::out_of_memory;
    e.id = call->ticket;
    e.items = reply.items_done;
    e.nanoseconds = timer_.finish(*call);
    const auto when = timer_.in_round() ? event_sender::notice::later : event_sender::notice::now;
    if (timer_.in_round() && !sender_.has_pending()) timer_.start_pending();
    calls_.erase(*call);
    const std::span<const std::byte> bytes = reply.bytes.span();
    if (call->raw.is_open() && reply.kind != reply_kind::exception) {
        call->raw.send(sender_, e, when);
        delete call;
        retire_if_memory_exhausted();
        return;
    }
    if (!reply.borrowed.empty()) {
        std::vector<std::span<const std::byte>> parts;
        append_pieces(parts, bytes, reply.borrowed);
        sender_.send_last(e, parts, when, std::move(reply.descriptors));
    } else if (reply.kind != reply_kind::exception) {
        sender_.send_last(e, std::array{call->results.unsent(), bytes}, when, std::move(reply.descriptors));
    } else {
        call->results.flush(sender_, e.id);
        sender_.send(e, std::array{bytes}, when);
    }
    call->results.close(sender_);
    call->raw.drop(sender_);
    delete call;
    retire_if_memory_exhausted();
}

// Called after the call has returned its memory.
void call_dispatcher::retire_if_memory_exhausted() noexcept {
    if (!memory_.exhausted() || retires_.exchange(true, std::memory_order_relaxed)) return;
    event e{};
    e.kind = event_kind::retires;
    if (process_os::failed_allocations() != 0) e.flags = event::out_of_memory;
    sender_.send(e, {}, event_sender::notice::urgent);
}

// The ring is empty, and the parent has calls for which it gave no credit: the calls that it counts in the ring are
// suspended here by now, or were revoked. Sent once for each position in the ring.
void call_dispatcher::request_work_once() noexcept {
    if (requested_at_ != requests_.position() && request_work()) requested_at_ = requests_.position();
}

bool call_dispatcher::request_work() noexcept {
    if (parent_.waiting.load(std::memory_order_relaxed) == 0) return false;
    event e{};
    e.kind = event_kind::wants_work;
    e.nanoseconds = timer_.last();
    sender_.send(e, {}, event_sender::notice::urgent);
    return true;
}

bool call_dispatcher::expects_soon() const noexcept { return !parent_.asleep() && may_spin(); }

bool call_dispatcher::may_spin() const noexcept {
    // A loop that spins on the parent's core prevents the parent from running.
    return parent_.spare.load(std::memory_order_relaxed) != 0 &&
           parent_.loop_cpu.load(std::memory_order_relaxed) != process_plane::current_cpu();
}

void call_dispatcher::announce_sleep() noexcept {
    sender_.before_sleep();
    status_.announce_sleep();
    // Revoked requests are passed without an event: the parent may have computed the credit of this worker before that.
    // Pairs with placement::place_queued_calls, which publishes that calls wait and then checks idle workers once more.
    if (calls_.size() == 0 && !requests_.ready()) request_work();
}

}  // namespace cadre::detail::process_worker
