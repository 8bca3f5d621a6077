#include "process/parent/time_limits.hpp"

#include "process/parent/reports.hpp"

#include <algorithm>
#include <utility>

namespace cadre::detail::process_parent {

using process_plane::item_watch;

void time_limits::expire(time_point now, ended_calls& ended) noexcept {
    while (call_record* const r = deadlines_.take_expired(now)) {
        if (r->worker == nullptr) continue;  // requeued; armed again when it is published
        if (r->limit.kill_at == time_point{})
            check(*r, now, ended);
        else if (now >= r->limit.kill_at)
            kill_worker_of(*r, ended);
        else
            deadlines_.arm(*r, r->limit.kill_at);
    }
}

// Notes when the current item of a chunk began, once for each item. Both words come from the untrusted worker, so they
// are clamped. @return whether there was anything new
bool time_limits::note_item(call_record& r, std::uint64_t seen, std::int64_t begun, time_point now) noexcept {
    call_limit& limit = r.limit;
    const std::uint32_t item = std::min(item_watch::item_of(seen), r.items - 1);
    const bool running = item_watch::phase_of(seen) == item_watch::phase::running;
    if (item < limit.item || (item == limit.item && (limit.item_begun || !running))) return false;
    limit.begun_at = running ? std::min(time_point(std::chrono::nanoseconds(begun)), now) : now;
    limit.item = item;
    limit.item_begun = running;
    return true;
}

// The clock of a limit starts when the worker begins the task, or the item of a chunk, not when the call is queued.
void time_limits::check(call_record& r, time_point now, ended_calls& ended) noexcept {
    const worker_link& link = r.worker->link;
    call_limit& limit = r.limit;
    if (!link.claimed(r.position)) {
        deadlines_.arm(r, now + limit.allowed);
        return;
    }
    if (!std::exchange(limit.begun, true)) limit.begun_at = now;  // the worker's message is on its way
    item_watch* const watch = r.watch == process_plane::no_watch ? nullptr : &r.worker->link.control().watches[r.watch];
    const std::uint64_t seen = watch != nullptr ? watch->word.load(std::memory_order_acquire) : 0;
    if (watch != nullptr) (void)note_item(r, seen, watch->begun.load(std::memory_order_relaxed), now);
    // The worker may have written any time: none is before the limit began, so that the sums below do not overflow.
    const time_point began = std::max(limit.begun_at, now - limit.allowed);
    if (now - began < limit.allowed) {
        deadlines_.arm(r, began + limit.allowed);
        return;
    }
    if (watch != nullptr && !watch->stop(seen)) {
        // The item has ended meanwhile. A worker that changes the word but does not advance is not trusted.
        const std::uint64_t changed = watch->word.load(std::memory_order_acquire);
        if (note_item(r, changed, watch->begun.load(std::memory_order_relaxed), now)) {
            deadlines_.arm(r, now + deadline_queue::retry_interval);
            return;
        }
    }
    limit.passed = true;
    report_time_limit(placement_, r);
    stops_.request(r, stop_reason::deadline, ended);
}

// In this order: publish nothing more, revoke what is queued, check once more whether the call has ended, kill.
void time_limits::kill_worker_of(call_record& r, ended_calls& ended) noexcept {
    worker_connection& c = *r.worker;
    if (c.stage == worker_stage::dying) return;
    const worker_stage before = std::exchange(c.stage, worker_stage::dying);
    placement_.requeue_unclaimed(c);
    const std::uint64_t ticket = call_table::ticket(r);
    (void)protocol_.handle_events(c, process_plane::event_slots, ended);
    if (placement_.find(ticket) == nullptr) {
        if (c.violation.empty()) {
            c.stage = before;
            workers_.dismiss_if_done(c);
        }
        return;
    }
    c.killed = true;
    c.kill();
}

}  // namespace cadre::detail::process_parent
