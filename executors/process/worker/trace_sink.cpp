#include "process/worker/trace_sink.hpp"

namespace cadre::detail::process_worker {

namespace {

bool is_of_tasks(const trace::event& e) noexcept {
    switch (e.kind) {
        case trace::event_kind::begin:
        case trace::event_kind::pause:
        case trace::event_kind::wait:
        case trace::event_kind::resume:
        case trace::event_kind::submit: return true;
        case trace::event_kind::run: return e.id != 0;  // the loop's own work is not shown
        default: return false;
    }
}

}  // namespace

void trace_sink::install() noexcept {
    trace::set_thread_sink(this);
    tracing_flag.store(true, std::memory_order_relaxed);
}

void trace_sink::put(const trace::event& e) noexcept {
    if (!is_of_tasks(e) || !owner_.here()) return;
    const std::uint64_t position = ring_.written.load(std::memory_order_relaxed);
    if (position - ring_.consumed.load(std::memory_order_acquire) >= process_plane::trace_slots) {
        ring_.lost.store(ring_.lost.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        return;
    }
    ring_.records[position % process_plane::trace_slots] = {e.time, e.id, e.wait, static_cast<std::uint32_t>(e.kind),
                                                            e.detail};
    ring_.written.store(position + 1, std::memory_order_release);
}

}  // namespace cadre::detail::process_worker
