#include "process/parent/worker_trace.hpp"

#include "coroutine/trace.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <string>
#include <utility>

namespace cadre::detail::process_parent {

using process_plane::trace_record;
using process_plane::trace_ring;
using process_plane::trace_slots;

namespace {

trace::event of_worker(const worker_connection& c, trace::event_kind kind) noexcept {
    trace::event e;
    e.kind = kind;
    e.pid = e.tid = c.os.pid;
    e.time = trace::now();
    return e;
}

// The record is untrusted. Its time is clamped to the lifetime of the worker.
void record(const worker_connection& c, const trace_record& r, std::int64_t now) noexcept {
    if (r.kind == 0 || r.kind > static_cast<std::uint32_t>(trace::last_worker_event_kind)) return;
    trace::event e = of_worker(c, static_cast<trace::event_kind>(r.kind));
    if (e.kind == trace::event_kind::leave) return;
    e.time = std::clamp(r.time, c.traced_from, std::max(now, c.traced_from));
    e.id = r.id;
    e.wait = r.wait;
    e.detail = e.kind == trace::event_kind::submit ? static_cast<std::uint8_t>(trace::submission::arrow)
                                                   : static_cast<std::uint8_t>(r.detail);
    trace::record(std::move(e));
}

}  // namespace

void trace_worker_start(const worker_connection& c, std::string_view executor) noexcept {
    if (!tracing()) return;
    try {
        trace::event e = of_worker(c, trace::event_kind::process);
        e.text = "worker " + std::to_string(c.index) + " of " + std::string(executor);
        trace::record(std::move(e));
    } catch (const std::bad_alloc&) {  // the worker has no name
    }
}

void trace_worker(worker_connection& c) noexcept {
    if (!tracing()) return;
    trace_ring& ring = c.link.memory().parts().trace;
    const std::uint64_t written = ring.written.load(std::memory_order_acquire);
    const std::uint64_t count = std::min<std::uint64_t>(written - c.trace_consumed, trace_slots);
    if (count == 0) return;
    const std::int64_t now = trace::now();
    for (std::uint64_t i = written - count; i != written; ++i) {
        trace_record copy;
        std::memcpy(&copy, &ring.records[i % trace_slots], sizeof copy);
        std::atomic_signal_fence(std::memory_order_seq_cst);  // the shared bytes are not read again
        record(c, copy, now);
    }
    c.trace_consumed = written;
    ring.consumed.store(written, std::memory_order_release);
    if (const std::uint64_t lost = ring.lost.load(std::memory_order_relaxed); lost != c.trace_lost) {
        trace::lost(lost - c.trace_lost);
        c.trace_lost = lost;
    }
}

void trace_worker_end(const worker_connection& c, const death_notice& death) noexcept {
    if (!tracing()) return;
    try {
        trace::event e = of_worker(c, trace::event_kind::death);
        e.text = death.violation.empty() ? describe_exit(death) : "was killed: it " + death.violation;
        trace::record(std::move(e));
    } catch (const std::bad_alloc&) {  // the slices end with the trace
    }
}

}  // namespace cadre::detail::process_parent
