#include <cadre/detail/scheduler/deferred_action.hpp>

#include <chrono>
#include <thread>
#include <utility>

namespace cadre::detail {

namespace {

// The action that this thread, which runs the timers, executes now; null if the action was settled from inside itself.
constinit thread_local const deferred_action* running_here = nullptr;

}  // namespace

void deferred_action::run() noexcept {
    running_here = this;
    action_(context_, reason_.load(std::memory_order_acquire));
    if (std::exchange(running_here, nullptr) == nullptr) return;
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
    // A timer that has not fired is armed again. One that has fired may have read the weaker reason, so it fires once
    // more: after this one, on the same thread.
    if (before == stop_reason::none || !timers_->cancel(timer_)) {
        pending_.fetch_add(1, std::memory_order_relaxed);
        if (before == stop_reason::none) timers_ = &timers_here();
    }
    timer_.when = timers_->now();
    timers_->add(timer_);
}

void deferred_action::settle() noexcept {
    if (reason_.load(std::memory_order_acquire) == stop_reason::none) return;
    if (pending_.load(std::memory_order_acquire) == 0) return;  // the loop of the timers may be gone
    if (timers_->cancel(timer_)) pending_.fetch_sub(1, std::memory_order_relaxed);
    // A user's stop callback may resume the waiting coroutine inside the action; the coroutine then must not wait for
    // the action.
    unsigned own = 0;
    if (running_here == this) {
        running_here = nullptr;
        own = 1;
    }
    while (pending_.load(std::memory_order_acquire) != own)
        std::this_thread::yield();
}

}  // namespace cadre::detail
