#include "process/parent/time_limits.hpp"

#include "process/parent/reports.hpp"

#include <algorithm>
#include <utility>

namespace cadre::detail::process_parent {

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

// The clock of a limit starts when the worker begins the task, or the item of a chunk, not when the call is queued.
void time_limits::check(call_record& r, time_point now, ended_calls& ended) noexcept {
    const worker_link& link = r.worker->link;
    call_limit& limit = r.limit;
    if (!link.claimed(r.position)) {
        deadlines_.arm(r, now + limit.allowed);
        return;
    }
    const auto& words = link.control();
    if (r.items != 1 && words.chunk_ticket.load(std::memory_order_acquire) == call_table::ticket(r)) {
        // The worker wrote both: taken within what is possible, and once for each item of the call.
        const time_point begun(std::chrono::nanoseconds(words.item_begun.load(std::memory_order_acquire)));
        const std::uint32_t item = std::min(words.chunk_item.load(std::memory_order_acquire), r.items - 1);
        if (!limit.begun || (begun > limit.begun_at && item > limit.item)) {
            limit.begun_at = std::min(begun, now);
            limit.item = item;
        }
        limit.begun = true;
    }
    // The worker may have written any time: none is before the limit began, so that the sums below do not overflow.
    const time_point earliest = now - limit.allowed;
    const time_point began = limit.begun ? std::max(limit.begun_at, earliest) : earliest;
    if (now - began < limit.allowed) {
        deadlines_.arm(r, began + limit.allowed);
        return;
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
