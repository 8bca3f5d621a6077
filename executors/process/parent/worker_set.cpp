#include "process/parent/worker_set.hpp"

#include <algorithm>
#include <utility>

namespace cadre::detail::process_parent {

void worker_set::insert(std::unique_ptr<worker_connection> c) noexcept {
    const std::uint32_t index = c->index;
    by_index_[index] = std::move(c);
    collect_live();
}

std::unique_ptr<worker_connection> worker_set::remove(worker_connection& c) noexcept {
    std::unique_ptr<worker_connection> removed = std::move(by_index_[c.index]);
    collect_live();
    return removed;
}

void worker_set::collect_live() noexcept {
    live_.clear();
    for (const auto& c : by_index_)
        if (c != nullptr) live_.push_back(c.get());
}

worker_connection* worker_set::find(std::uint64_t serial) const noexcept {
    const auto found = std::find_if(begin(), end(), [serial](const auto* c) { return c->serial == serial; });
    return found != end() ? *found : nullptr;
}

bool worker_set::any_idle() const noexcept {
    return std::any_of(begin(), end(), [](const auto* c) { return c->accepts() && c->calls.empty(); });
}

bool worker_set::fresh_one_comes() const noexcept {
    if (quitting_) return false;
    return size() != capacity() || std::any_of(begin(), end(), [](const auto* c) {
               return (c->accepts() && c->published == 0) ||
                      (c->calls.empty() && !c->accepts());  // leaves, and has a successor
           });
}

bool worker_set::any_ready() const noexcept {
    return std::any_of(begin(), end(), [](const auto* c) { return c->was_ready; });
}

bool worker_set::events_ready() const noexcept {
    return std::any_of(begin(), end(), [](auto* c) { return c->violation.empty() && c->link.events().ready(); });
}

void worker_set::ring_requested() noexcept {
    for (worker_connection* c : live_)
        c->link.ring_if_requested();
}

void worker_set::set_ready(worker_connection& c) noexcept {
    if (c.stage == worker_stage::starting) c.stage = worker_stage::ready;
    c.was_ready = ever_ready_ = true;
    failed_starts_ = failed_initializers_ = 0;
}

void worker_set::quit() noexcept {
    quitting_ = true;
    for (worker_connection* c : live_)
        if (c->accepts() && c->calls.empty())
            dismiss(*c);
        else
            c->leave_by = std::min(c->leave_by, std::chrono::steady_clock::now() + leave_limit_);
}

void worker_set::kill_overdue(time_point now) noexcept {
    for (worker_connection* c : live_)
        if (c->stage != worker_stage::dying && now >= c->leave_by) c->kill();
}

time_point worker_set::kill_time() const noexcept {
    time_point first = time_point::max();
    for (const worker_connection* c : live_)
        if (c->stage != worker_stage::dying) first = std::min(first, c->leave_by);
    return first;
}

void worker_set::dismiss_if_done(worker_connection& c) noexcept {
    const bool leaves = c.stage == worker_stage::retiring || (quitting_ && c.stage == worker_stage::ready);
    if (leaves && c.calls.empty()) dismiss(c);
}

void worker_set::dismiss(worker_connection& c) noexcept {
    c.stage = worker_stage::leaving;
    c.leave_by = std::chrono::steady_clock::now() + leave_limit_;
    process_plane::event e{};
    e.kind = process_plane::event_kind::quit;
    c.link.send_command(e);
}

}  // namespace cadre::detail::process_parent
