#include <cadre/timeout.hpp>

#include <thread>

namespace cadre::detail {

bool ended_by_stop(const std::exception_ptr& error) noexcept {
    try {
        std::rethrow_exception(error);
    } catch (const cancelled&) {
        return true;
    } catch (const task_killed&) {
        return true;
    } catch (...) {
        return false;
    }
}

void deadline_stop::arm(timer_service& timers, steady_time when, stop_state* parent) {
    stop_.adopt(parent);
    timers_ = &timers;
    timer_.self = this;
    timer_.when = when;
    timer_.fire = [](timer_node* n) noexcept {
        auto* self = static_cast<node*>(n)->self;
        self->stop_.request_stop(stop_reason::deadline);
        self->fired_.store(true, std::memory_order_release);  // the last access
    };
    timers.add(timer_);
}

bool deadline_stop::disarm() noexcept {
    if (timers_->cancel(timer_)) return false;
    // Firing right now on another thread: a matter of moments.
    while (!fired_.load(std::memory_order_acquire))
        std::this_thread::yield();
    return true;
}

}  // namespace cadre::detail
