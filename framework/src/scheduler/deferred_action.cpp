#include <cadre/detail/scheduler/deferred_action.hpp>

#include <chrono>
#include <thread>

namespace cadre::detail {

void deferred_action::post(void (*action)(void*) noexcept, void* context) noexcept {
    if (posted_.exchange(true, std::memory_order_acq_rel)) return;
    action_ = action;
    context_ = context;
    timer_.self = this;
    timer_.when = std::chrono::steady_clock::now();
    timer_.fire = [](timer_node* n) noexcept {
        auto* self = static_cast<node*>(n)->self;
        self->action_(self->context_);
        self->done_.store(true, std::memory_order_release);  // the last access
    };
    default_timers().add(timer_);
}

void deferred_action::settle() noexcept {
    if (!posted_.load(std::memory_order_acquire) || default_timers().cancel(timer_)) return;
    while (!done_.load(std::memory_order_acquire))
        std::this_thread::yield();
}

}  // namespace cadre::detail
