#include <cadre/detail/scheduler/deferred_action.hpp>

#include <chrono>
#include <thread>

namespace cadre::detail {

void deferred_action::run() noexcept {
    action_(context_, reason_.load(std::memory_order_acquire));
    pending_.fetch_sub(1, std::memory_order_release);  // the last access
}

void deferred_action::post(function action, void* context, stop_reason why) noexcept {
    const stop_reason before = reason_.load(std::memory_order_relaxed);
    if (before >= why) return;
    reason_.store(why, std::memory_order_release);
    if (before == stop_reason::none) {
        action_ = action;
        context_ = context;
        timer_.self = this;
        timer_.fire = [](timer_node* n) noexcept { static_cast<node*>(n)->self->run(); };
    }
    // A timer that has not fired is armed again. One that has fired may have read the weaker reason, so it fires once more: after
    // this one, on the same thread.
    if (before == stop_reason::none || !default_timers().cancel(timer_))
        pending_.fetch_add(1, std::memory_order_relaxed);
    timer_.when = std::chrono::steady_clock::now();
    default_timers().add(timer_);
}

void deferred_action::settle() noexcept {
    if (reason_.load(std::memory_order_acquire) == stop_reason::none) return;
    if (default_timers().cancel(timer_)) pending_.fetch_sub(1, std::memory_order_relaxed);
    while (pending_.load(std::memory_order_acquire) != 0)
        std::this_thread::yield();
}

}  // namespace cadre::detail
