// Moves calls from behind others to workers that could run them.

#include "process/parent/placement.hpp"
#include "process/plane/raw_progress.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace cadre::detail::process_parent {

// The call moves to an idle worker if those before it take longer than expected.
void placement::expect_rebalance() noexcept {
    if (!std::exchange(placed_behind_, true)) deadlines_.tick_soon();
}

bool placement::rebalance_wanted() noexcept {
    bool idle = false;
    bool behind = false;
    for (worker_connection* c : workers_) {
        if (c->stage == worker_stage::dying) continue;
        if (c->calls.empty())
            idle |= c->accepts();
        else if (c->link.waiting_requests() != 0 || unclaimed(*c) != 0)
            behind = true;
    }
    return behind && (idle || find_waiting() != nullptr);
}

// The word of the running task moves between cores, so it is read only if calls wait behind another task.
worker_connection* placement::find_waiting() noexcept {
    for (worker_connection* c : workers_)
        if (c->stage == worker_stage::ready && c->accepts() && !c->calls.empty() && c->link.waiting_requests() == 0 &&
            unclaimed(*c) == 0 && c->link.running() == 0)
            return c;
    return nullptr;
}

// Otherwise the calls that are taken from behind `r` would be sent to its worker again.
void placement::expect_long(call_record& r) noexcept {
    r.worker->expected_time += function_list::long_time - r.expected_time;
    r.expected_time = function_list::long_time;
}

// Items of the raw chunk in work that its worker has not claimed.
std::uint32_t placement::unclaimed(const worker_connection& c) noexcept {
    if (c.raw_chunk == nullptr) return 0;
    const std::uint64_t range = raw_words(c, *c.raw_chunk).range.load(std::memory_order_relaxed);
    const std::uint32_t begin = raw_chunk_words::begin(range);
    // The worker writes this word, too: an end that the parent did not set means nothing.
    return raw_chunk_words::end(range) == c.raw_chunk->items && begin < c.raw_chunk->items ? c.raw_chunk->items - begin
                                                                                           : 0;
}

raw_chunk_words& placement::raw_words(const worker_connection& c, const call_record& r) noexcept {
    return reinterpret_cast<process_plane::raw_progress*>(c.link.memory().base() + r.chunk.progress.offset)->words;
}

// If the worker has claimed none since the previous call, it is at a long item: those behind it are taken back.
void placement::take_back_from(worker_connection& c, ended_calls& ended) noexcept {
    if (unclaimed(c) == 0) return;
    call_record& r = *c.raw_chunk;
    auto& range = raw_words(c, r).range;
    std::uint64_t now = range.load(std::memory_order_relaxed);
    const std::uint64_t before = std::exchange(r.chunk.range_before, now);
    const std::uint32_t begin = raw_chunk_words::begin(now);
    if (now != before || begin == 0 || begin >= r.items || raw_chunk_words::end(now) != r.items) return;
    if (!range.compare_exchange_strong(now, raw_chunk_words::pack(begin, begin), std::memory_order_relaxed)) return;
    r.items = begin;
    ended.push_back({r.call, {}, begin});
}

void placement::rebalance(ended_calls& ended) noexcept {
    const bool wanted = waiting_.empty() && rebalance_wanted();
    // The number of calls alone does not distinguish a worker whose tasks all wait from one that computes.
    const bool any_empty = std::ranges::any_of(workers_, [](auto* c) { return c->accepts() && c->calls.empty(); });
    worker_connection* const waiting = wanted && !any_empty ? find_waiting() : nullptr;
    for (worker_connection* c : workers_) {
        if (c->stage == worker_stage::dying) continue;
        if (wanted) take_back_from(*c, ended);
        const std::uint64_t behind = c->link.waiting_requests();
        const bool stalled = c->link.stalled();
        if (!wanted || behind == 0 || !stalled) continue;
        if (call_record* const first = c->calls.front()) expect_long(*first);  // null: all were revoked
        std::uint64_t moves = (behind + 1) / 2;
        for (call_record* r = c->calls.back(); r != nullptr && moves != 0; --moves) {
            call_record* const before = call_list::prev(*r);
            if (!c->link.revoke(r->position)) break;
            requeue(*r);
            r = before;
        }
        workers_.dismiss_if_done(*c);
    }
    if (waiting != nullptr) place_all(*waiting);
}

void placement::place_all(worker_connection& c) noexcept {
    const std::uint64_t depth = service_times_.depth();
    while (c.accepts() && c.link.has_credit(depth)) {
        call_record* const r = waiting_.find_first([](const call_record& w) { return !w.wants_fresh; });
        if (r == nullptr) return;
        waiting_.remove(*r);
        if (publish(*r, c)) continue;
        waiting_.push_front(*r);  // no memory
        return;
    }
}

}  // namespace cadre::detail::process_parent
