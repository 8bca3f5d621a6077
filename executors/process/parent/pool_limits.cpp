// Stop requests, deadlines, and ending by force what does not stop.

#include "process/parent/pool.hpp"

#include "process/os/syscalls.hpp"

#include <algorithm>
#include <utility>

#include <unistd.h>

namespace cadre::detail::process_parent {

using process_plane::event;
using process_plane::event_kind;
using std::chrono::steady_clock;

namespace {

// How often the supervisor looks while messages wait for room or calls are queued behind others and a worker is idle.
constexpr std::chrono::milliseconds retry_waiters{1};

time_point from_nanoseconds(std::int64_t n) { return time_point(std::chrono::nanoseconds(n)); }

}  // namespace

void pool::request_stop(portable_call& call, stop_reason why) noexcept {
    const std::lock_guard hold(mutex_);
    if (call.backend_data == nullptr) return;  // has ended
    ask_to_stop(*static_cast<call_record*>(call.backend_data), why, taken_back_);
    // Whoever asks may hold the lock of a stop tree, which completion_scope a call may need: the supervisor tells it.
    if (!taken_back_.empty()) wake_supervisor();
}

void pool::ask_to_stop(call_record& r, stop_reason why, ended_calls& ended) noexcept {
    if (why <= r.stop) return;
    r.stop = why;
    const auto end_unstarted = [&] { fail(r, std::make_exception_ptr(cancelled()), ended); };
    if (r.channel == nullptr) {
        waiting_.remove(r);
        end_unstarted();
        return;
    }
    worker_connection& c = *r.channel;
    if (c.requests.revoke(r.position)) {
        end_unstarted();
        leave_if_done(c);  // nothing comes from it that would tell
        return;
    }
    event e{};
    e.kind = event_kind::stop;
    e.id = call_table::ticket(r);
    e.items = static_cast<std::uint32_t>(why);
    c.order(e);
    if (c.flush()) look_soon();
    if (why == stop_reason::deadline) {
        r.kill_at = steady_clock::now() + options_.kill_grace;
        arm(r, r.kill_at);
    }
}

void pool::arm(call_record& r, time_point when) noexcept {
    disarm(r);
    r.deadline = deadlines_.emplace(when, &r);
    r.has_deadline = true;
    if (when < supervisor_wakes_) {
        supervisor_wakes_ = when;
        wake_supervisor();
    }
}

void pool::disarm(call_record& r) noexcept {
    if (!std::exchange(r.has_deadline, false)) return;
    deadlines_.erase(r.deadline);
}

void pool::wake_supervisor() noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(bell_.get(), &one, sizeof one);
}

time_point pool::tick() noexcept {
    drain(true);  // what has ended meanwhile has met its deadline
    ended_calls ended;
    time_point next = time_point::max();
    const std::lock_guard draining(drain_);
    {
        const std::lock_guard hold(mutex_);
        const time_point now = steady_clock::now();
        ended.swap(taken_back_);
        expire(now, ended);
        bool again = false;
        for (const auto& c : channels_) {
            if (c == nullptr) continue;
            again |= c->flush();
            if (now >= quit_kill_at_ && c->life != worker_connection::stage::dying) {
                c->life = worker_connection::stage::dying;
                process_os::kill_group(c->os.pidfd.get());
            }
        }
        rebalance();
        place_queued_calls(ended);
        if (again || rebalance_wanted()) next = now + retry_waiters;
        if (events_ready()) next = now;
        if (!deadlines_.empty()) next = std::min(next, deadlines_.begin()->first);
        if (quit_kill_at_ > now) next = std::min(next, quit_kill_at_);
        supervisor_wakes_ = next;
    }
    tell(ended);
    start_nested();
    return next;
}

void pool::expire(time_point now, ended_calls& ended) noexcept {
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        call_record& r = *deadlines_.begin()->second;
        disarm(r);
        if (r.channel == nullptr) continue;  // was taken back; armed again when it is published
        if (r.kill_at != time_point{}) {
            if (now >= r.kill_at)
                kill_for(r, ended);
            else
                arm(r, r.kill_at);
        } else {
            check_limit(r, now, ended);
        }
    }
}

// The clock of a limit starts when the worker begins the task, or the item of a chunk, not when it is queued.
void pool::check_limit(call_record& r, time_point now, ended_calls& ended) noexcept {
    const worker_connection& c = *r.channel;
    if (!c.requests.claimed(r.position)) {
        arm(r, now + r.limit);
        return;
    }
    const auto& words = c.memory.control();
    if (r.call->items != 1 && words.chunk_ticket.load(std::memory_order_acquire) == call_table::ticket(r)) {
        // The worker's word for it, within what is possible.
        const time_point item = from_nanoseconds(words.item_begun.load(std::memory_order_acquire));
        if (!r.begun || item > r.begun_at) r.begun_at = std::min(item, now);
        r.begun = true;
    }
    const time_point began = r.begun ? r.begun_at : now - r.limit;
    if (now - began < r.limit) {
        arm(r, began + r.limit);
        return;
    }
    r.limit_passed = true;
    ask_to_stop(r, stop_reason::deadline, ended);
}

// Stop publishing, take back what is queued, look once more whether it has not ended after all, and only then kill.
void pool::kill_for(call_record& r, ended_calls& ended) noexcept {
    worker_connection& c = *r.channel;
    if (c.life == worker_connection::stage::dying) return;
    const auto before = std::exchange(c.life, worker_connection::stage::dying);
    take_back_queued(c);
    const std::uint64_t ticket = call_table::ticket(r);
    (void)handle_events(c, process_plane::event_slots, ended);
    if (table_.find(ticket) == nullptr) {
        if (c.violation.empty()) {
            c.life = before;
            leave_if_done(c);
        }
        return;
    }
    c.killed = true;
    process_os::kill_group(c.os.pidfd.get());
}

void pool::take_back_queued(worker_connection& c) noexcept {
    for (call_record* r = c.calls.back(); r != nullptr;) {
        call_record* const before = r->prev;
        if (c.requests.revoke(r->position)) take_back(*r);
        r = before;
    }
}

void pool::take_back(call_record& r) noexcept {
    worker_connection& c = *r.channel;
    c.calls.remove(r);
    if (c.calls.empty()) --busy_;
    unfinished_.fetch_sub(1, std::memory_order_relaxed);
    disarm(r);
    r.channel = nullptr;
    r.call->worker_pid.store(0, std::memory_order_relaxed);
    waiting_.push_front(r);
}

// The supervisor comes again within `retry_waiters`.
void pool::look_soon() noexcept {
    if (supervisor_wakes_ <= steady_clock::now() + retry_waiters) return;
    supervisor_wakes_ = time_point{};
    wake_supervisor();
}

// A worker that is idle and one that has calls waiting behind what it runs.
bool pool::rebalance_wanted() noexcept {
    bool idle = false;
    bool behind = false;
    for (const auto& c : channels_) {
        if (c == nullptr || c->life == worker_connection::stage::dying) continue;
        if (c->calls.empty())
            idle |= c->accepts();
        else if (c->requests.queued() != 0)
            behind = true;
    }
    return idle && behind;
}

// Takes half of what waits behind a task that has not let the worker go on since the last look, for those who are idle.
void pool::rebalance() noexcept {
    const bool wanted = waiting_.empty() && rebalance_wanted();
    for (const auto& c : channels_) {
        if (c == nullptr || c->life == worker_connection::stage::dying) continue;
        const std::uint64_t behind = c->requests.queued();
        const std::uint64_t seen = std::exchange(c->progress_seen, c->requests.passed());
        if (!wanted || behind == 0 || seen != c->progress_seen) continue;
        std::uint64_t take = (behind + 1) / 2;
        for (call_record* r = c->calls.back(); r != nullptr && take != 0; --take) {
            call_record* const before = r->prev;
            if (!c->requests.revoke(r->position)) break;
            take_back(*r);
            r = before;
        }
        leave_if_done(*c);
    }
}

}  // namespace cadre::detail::process_parent
