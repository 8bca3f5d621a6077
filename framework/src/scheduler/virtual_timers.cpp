#include "virtual_timers.hpp"

#include <algorithm>
#include <chrono>

#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/detail/scheduler/timer_heap.hpp>

namespace cadre::detail {

virtual_timers::~virtual_timers() {
    now_.store(steady_time::max(), std::memory_order_relaxed);
    fire_due();
}

void virtual_timers::add(timer_node& node) {
    {
        const std::lock_guard hold(mutex_);
        node.index = number_++;
        armed_.emplace(key(node.when, node.index), &node);
    }
    wake_loop_drivers();  // if another thread arms it
}

bool virtual_timers::cancel(timer_node& node) noexcept {
    const std::lock_guard hold(mutex_);
    if (node.index == timer_heap::npos) return false;
    armed_.erase(key(node.when, node.index));
    node.index = timer_heap::npos;
    return true;
}

timer_node* virtual_timers::take_due() noexcept {
    const std::lock_guard hold(mutex_);
    if (armed_.empty() || armed_.begin()->first.first > now()) return nullptr;
    timer_node* const node = armed_.begin()->second;
    node->index = timer_heap::npos;
    armed_.erase(armed_.begin());
    return node;
}

bool virtual_timers::fire_due() noexcept {
    bool any = false;
    while (timer_node* const node = take_due()) {
        node->fire(node);
        any = true;
    }
    return any;
}

std::optional<steady_time> virtual_timers::next() const noexcept {
    const std::lock_guard hold(mutex_);
    return armed_.empty() ? std::nullopt : std::optional(armed_.begin()->first.first);
}

bool virtual_timers::due() const noexcept {
    const std::optional<steady_time> first = next();
    return first && *first <= now();
}

void virtual_timers::advance_to(steady_time t) noexcept { now_.store(std::max(now(), t), std::memory_order_relaxed); }

void virtual_timers::pass_real_time() noexcept {
    const steady_time real = std::chrono::steady_clock::now();
    if (passing_since_) advance_to(now() + (real - *passing_since_));
    passing_since_ = real;
}

}  // namespace cadre::detail
