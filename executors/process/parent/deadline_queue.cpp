#include "process/parent/deadline_queue.hpp"

#include <chrono>
#include <utility>

namespace cadre::detail::process_parent {

void deadline_queue::arm(call_record& r, time_point when) noexcept {
    disarm(r);
    r.limit.deadline = deadlines_.emplace(when, &r);
    r.limit.has_deadline = true;
    if (when < next_tick_) {
        next_tick_ = when;
        wake_supervisor();
    }
}

void deadline_queue::disarm(call_record& r) noexcept {
    if (!std::exchange(r.limit.has_deadline, false)) return;
    deadlines_.erase(r.limit.deadline);
}

call_record* deadline_queue::take_expired(time_point now) noexcept {
    if (earliest() > now) return nullptr;
    call_record* const r = deadlines_.begin()->second;
    disarm(*r);
    return r;
}

void deadline_queue::tick_soon() noexcept {
    if (next_tick_ <= std::chrono::steady_clock::now() + retry_interval) return;
    next_tick_ = time_point{};
    wake_supervisor();
}

}  // namespace cadre::detail::process_parent
