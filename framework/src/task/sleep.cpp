#include <cadre/sleep.hpp>

#include <span>

#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

std::chrono::steady_clock::time_point time_at_home() noexcept {
    const environment* const env = current_environment();
    return env != nullptr ? env->home->timers().now() : std::chrono::steady_clock::now();
}

bool sleep_awaiter::suspend(std::coroutine_handle<> h, environment* e) {
    timer_.self = this;
    timer_service& timers = e->home->timers();
    if (delay_ >= delay_.zero()) timer_.when = deadline_after(timers.now(), delay_);
    // Either the timer fires or its cancellation succeeds: exactly one of them finishes the wait.
    timer_.fire = [](timer_node* n) noexcept { static_cast<node*>(n)->self->finish(); };
    prepare(
        h, e,
        [](waiter& w) noexcept {
            auto& self = static_cast<sleep_awaiter&>(w);
            if (self.env->home->timers().cancel(self.timer_)) self.finish_cancelled();
        },
        wait_kind::sleep);
    if (e->stop != nullptr && e->stop->stop_requested()) {
        finish_cancelled();
        return make_way(*this);
    }
    if (timer_.when <= timers.now()) {
        finish();
        return make_way(*this);
    }
    timers.add(timer_);
    return commit();
}

void yield_awaiter::suspend(std::coroutine_handle<> h, environment* e) {
    item_.prepare(h, e);
    if (local_worker* w = worker_of(e->home); w != nullptr)
        w->defer(&item_);
    else
        post_home(item_);
}

}  // namespace cadre::detail
