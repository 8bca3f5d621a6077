#include <cadre/detail/scheduler/shutdown_alarm.hpp>

#include <utility>

namespace cadre::detail {

std::shared_ptr<shutdown_alarm> shutdown_alarm::arm(steady_time deadline, std::function<void()> expired) {
    auto alarm = std::make_shared<shutdown_alarm>();
    if (deadline == steady_time::max()) return alarm;
    alarm->expired_ = std::move(expired);
    alarm->timer_.owner = alarm;
    alarm->timer_.when = deadline;
    alarm->timer_.fire = [](timer_node* timer) noexcept {
        const std::shared_ptr<shutdown_alarm> self = std::move(static_cast<node*>(timer)->owner);
        self->expired_();
    };
    alarm->timers_ = &timers_here();
    alarm->timers_->add(alarm->timer_);
    return alarm;
}

void shutdown_alarm::cancel() noexcept {
    if (timers_ != nullptr && timers_->cancel(timer_)) timer_.owner.reset();
}

}  // namespace cadre::detail
