#include "process/worker/call_dispatcher.hpp"

#include "process/os/crash_page.hpp"
#include "process/worker/worker_backend.hpp"

#include <cadre/detail/codec/codec_stream.hpp>
#include <cadre/detail/codec/function_identity.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <thread>
#include <utility>

namespace cadre::detail::process_worker {

using process_plane::call_memory;
using process_plane::event;
using process_plane::event_kind;
using process_plane::request;
using process_plane::worker_state;

namespace {

// Calls that run before the loop looks at everything else again: as many short ones, or one long one.
constexpr unsigned calls_a_round = 32;
// In nanoseconds. Results of functions that are quicker are told together, unless they have waited for so long.
constexpr std::uint32_t long_call = 5'000;
constexpr std::int64_t longest_wait = 20'000;

std::int64_t now() noexcept { return std::chrono::steady_clock::now().time_since_epoch().count(); }

std::uint32_t to_sample(std::int64_t nanoseconds) noexcept {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(nanoseconds, 1, UINT32_MAX));
}

}  // namespace

call_dispatcher::call_dispatcher(const call_memory& memory, const process_plane::supervisor_status_page& page,
                                 event_sender& sender, std::shared_ptr<run_loop> loop,
                                 std::shared_ptr<worker_backend> backend)
    : parts_(memory.parts()), control_(memory.control()), parent_(page.words()), base_(memory.base()), sender_(sender),
      loop_(std::move(loop)), backend_(std::move(backend)), requests_(parts_.requests, control_.requests_consumed),
      replies_(parts_.replies, control_.replies_consumed), limit_(control_.setup.tasks_per_worker) {
    pump_.run = &pump;
    pump_.self = this;
}

bool call_dispatcher::poll() noexcept {
    bool any = sender_.flush();
    event e;
    while (replies_.peek(e)) {
        std::span<const std::byte> body;
        if (process_plane::find_body(e, base_, call_memory::parent_area, body)) backend_->replied(e, body);
        replies_.advance();
        any = true;
    }
    if (pumping_) return any;
    if (requests_.ready()) {
        if (may_claim()) {
            pumping_ = true;
            work_item* item = &pump_;
            loop_->submit(std::span(&item, 1));
            any = true;
        }
    } else {
        ask_for_more();
    }
    return any;
}

void call_dispatcher::pump(work_item* item) noexcept {
    call_dispatcher& self = *static_cast<pump_item*>(item)->self;
    self.pumping_ = false;
    self.say_cpu();
    self.clock_ = 0;
    self.in_round_ = true;
    unsigned left = calls_a_round;
    while (left != 0 && self.may_claim() && self.claim_one())
        left = self.last_measure_ >= long_call ? 0 : left - 1;
    self.in_round_ = false;
    self.sender_.tell();
}

// A task that waits for a nested call lets another one in: else tasks that call each other would fill all workers and
// wait for ever.
bool call_dispatcher::may_claim() const noexcept {
    return limit_ == 0 || calls_.size() < limit_ + std::min(calls_.size(), backend_->waiting_tasks());
}

bool call_dispatcher::claim_one() noexcept {
    // A stop request for a call that is being claimed waits until it is in the map; see request_stop.
    claiming_.store(true, std::memory_order_relaxed);
    request q;
    if (!requests_.claim(q)) {
        claiming_.store(false, std::memory_order_relaxed);
        return false;
    }
    auto* const call = new worker_call(*this, q.ticket);
    std::span<const std::byte> body;
    if (!process_plane::find_body(q, base_, call_memory::parent_area, body)) std::abort();  // the parent is trusted
    if ((q.flags & request::chunk) != 0) {
        std::memcpy(&call->items, body.data(), sizeof call->items);
        body = body.subspan(sizeof call->items);
    }
    if ((q.flags & request::named) != 0) {
        std::uint16_t size = 0;
        std::memcpy(&size, body.data(), sizeof size);
        call->name.assign(reinterpret_cast<const char*>(body.data() + sizeof size), size);
        body = body.subspan(sizeof size + size);
    }
    call->arguments.append(body);
    requests_.consume();
    call->id = q.call_id;
    call->timed = (q.flags & request::timed) != 0;
    call->executor = backend_;
    call->home = loop_.get();
    calls_.insert(*call);
    claiming_.store(false, std::memory_order_release);
    run(*call, q.entry);
    return true;
}

void call_dispatcher::run(worker_call& call, std::uint16_t entry) noexcept {
    began_ = clock_ != 0 ? clock_ : now();  // the end of one call is the beginning of the next
    clock_ = began_;
    measured_ = &call;
    if (call.timed) {
        event e{};
        e.kind = event_kind::begun;
        e.id = call.ticket;
        sender_.send(e, std::array{std::as_bytes(std::span(&began_, 1))});
    }
    known_function* f = nullptr;
    try {
        f = &function(entry);
    } catch (const std::exception& problem) {
        event e{};
        e.kind = event_kind::rejected;
        e.id = call.ticket;
        calls_.erase(call);
        const std::string_view text = problem.what();
        measured_ = nullptr;
        sender_.send(e, std::array{std::as_bytes(std::span(text.data(), text.size()))});
        delete &call;
        return;
    }
    // What has ended must not wait for a call that may take long; and a parent that sleeps would not find it by itself.
    const auto parent_loop = static_cast<process_plane::loop_state>(parent_.loop.load(std::memory_order_relaxed) & 3);
    if (sender_.has_pending() && (f->slowest == 0 || f->slowest >= long_call || clock_ - owing_since_ >= longest_wait ||
                                  parent_loop == process_plane::loop_state::asleep))
        sender_.tell();
    process_os::clear_failed_allocation();
    control_.running.store(call.id, std::memory_order_release);
    f->entry(call);  // from here on the call may be gone
    control_.running.store(0, std::memory_order_release);
    // It was not measured when it finished: it is suspended, and this is how long it took to get there.
    if (std::exchange(measured_, nullptr) != nullptr) measure();
    // Forgets an outlier slowly.
    f->slowest = std::max(last_measure_, f->slowest - f->slowest / 16);
}

std::uint32_t call_dispatcher::measure() noexcept {
    clock_ = now();
    last_measure_ = to_sample(clock_ - began_);
    return last_measure_;
}

call_dispatcher::known_function& call_dispatcher::function(std::uint16_t entry) {
    if (entry >= functions_.size()) functions_.resize(entry + std::size_t{1});
    known_function& known = functions_[entry];
    if (known.entry == nullptr) {
        const process_plane::function_slot& slot = parts_.functions[entry];
        decoder in(std::span(slot.bytes, slot.size));
        // The identity of a function is its address, which travels as one of data.
        known.entry =
            reinterpret_cast<call_entry>(reinterpret_cast<std::uintptr_t>(resolve_function(decode_function(in))));
    }
    return known;
}

void call_dispatcher::item_begins(const worker_call& call, std::uint32_t index) noexcept {
    control_.chunk_item.store(index, std::memory_order_relaxed);
    if (!call.timed) return;
    control_.item_begun.store(now(), std::memory_order_relaxed);
    control_.chunk_ticket.store(call.ticket, std::memory_order_release);
}

void call_dispatcher::items_done(worker_call& call, std::uint32_t done, const byte_buffer& results) noexcept {
    call.results.commit(sender_, call.ticket, done, results.span());
}

void call_dispatcher::finished(worker_call* call, call_reply reply) noexcept {
    event e{};
    e.kind = reply.kind == reply_kind::value ? event_kind::value : event_kind::exception;
    e.id = call->ticket;
    e.items = reply.items_done;
    if (measured_ == call) {
        measured_ = nullptr;
        e.nanoseconds = measure();
    }
    const auto when = in_round_ ? event_sender::notice::later : event_sender::notice::now;
    if (in_round_ && !sender_.has_pending()) owing_since_ = clock_;
    calls_.erase(*call);
    const std::span<const std::byte> bytes = reply.bytes.span();
    if (reply.kind == reply_kind::value) {
        sender_.send(e, std::array{call->results.rest(), bytes}, when);
    } else {
        call->results.flush(sender_, e.id);
        sender_.send(e, std::array{bytes}, when);
    }
    call->results.close(sender_);
    delete call;
}

// The ring is empty and the parent has calls for which it gave no credit: what it saw in the ring is suspended here by
// now, or was taken back. Said once for each place in the ring.
void call_dispatcher::ask_for_more() noexcept {
    if (asked_at_ != requests_.position() && wants_work()) asked_at_ = requests_.position();
}

bool call_dispatcher::wants_work() noexcept {
    if (parent_.waiting.load(std::memory_order_relaxed) == 0) return false;
    event e{};
    e.kind = event_kind::wants_work;
    e.nanoseconds = last_measure_;
    sender_.send(e, {}, event_sender::notice::urgent);
    return true;
}

// The parent sends a stop only for a call that it saw claimed. The claim was preceded by `claiming_`, so either that is
// seen here, or the call is in the map already, or it has ended.
void call_dispatcher::request_stop(std::uint64_t ticket, stop_reason why) noexcept {
    if (calls_.request_stop(ticket, why)) return;
    while (claiming_.load(std::memory_order_acquire))
        std::this_thread::yield();
    (void)calls_.request_stop(ticket, why);
}

bool call_dispatcher::expects_soon() const noexcept {
    using process_plane::loop_state;
    // On the same core spinning only keeps the parent from running.
    return static_cast<loop_state>(parent_.loop.load(std::memory_order_relaxed) & 3) != loop_state::asleep &&
           parent_.spare.load(std::memory_order_relaxed) != 0 &&
           parent_.loop_cpu.load(std::memory_order_relaxed) != process_plane::current_cpu();
}

void call_dispatcher::say_cpu() noexcept {
    const std::int32_t cpu = process_plane::current_cpu();
    if (control_.cpu.load(std::memory_order_relaxed) != cpu) control_.cpu.store(cpu, std::memory_order_relaxed);
}

void call_dispatcher::announce_sleep() noexcept {
    sender_.before_sleep();
    say(worker_state::asleep);
    // Calls that the parent took back were passed in silence: it may have seen no credit here when it last looked. Pairs
    // with pool::place_queued_calls, which says that calls wait and then looks once more at those who have none.
    if (calls_.size() == 0 && !requests_.ready()) wants_work();
}

void call_dispatcher::announce_awake() noexcept {
    say(worker_state::awake);
    if (ring_control_.load(std::memory_order_relaxed)) {
        ring_control_.store(false, std::memory_order_relaxed);
        process_plane::ring_orders(control_);
    }
}

// Pairs with `announce_awake`: it says awake, fences, and looks whether it is to ring.
bool call_dispatcher::sleeps_till_rung() noexcept {
    ring_control_.store(true, std::memory_order_relaxed);
    process_plane::full_fence();
    const std::uint64_t state = control_.state.load(std::memory_order_relaxed);
    if ((state & 3) == static_cast<std::uint64_t>(worker_state::asleep)) return true;
    ring_control_.store(false, std::memory_order_relaxed);
    return false;
}

// Full fence: pairs with worker_connection::ring.
void call_dispatcher::say(worker_state state) noexcept {
    control_.state.store(++state_count_ << 2 | static_cast<std::uint64_t>(state), std::memory_order_relaxed);
    process_plane::full_fence();
}

}  // namespace cadre::detail::process_worker
