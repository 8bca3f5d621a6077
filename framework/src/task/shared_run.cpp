#include <cadre/detail/task/shared_run.hpp>

#include <utility>

#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

shared_run::root::root(shared_run& owner, const environment& first)
    : task_root(first.home->shared_from_this(), nullptr, {}), run_(owner) {
    if (first.info == nullptr) return;
    info_ = *first.info;
    env().info = &info_;
}

shared_run::~shared_run() { pass_stop_on_.settle(); }

bool shared_run::wait(shared_wait& w, std::coroutine_handle<> h, environment* env) {
    w.of = this;
    w.prepare(h, env, &cancel, wait_kind::shared_task);
    bool starts = false;
    bool waits = false;
    {
        const std::lock_guard hold(mutex_);
        if (ended()) {
            w.finish();
        } else if (!root_ && env->stop != nullptr && env->stop->stop_requested()) {
            w.finish_cancelled();  // the run is unchanged, so a later waiter can start it
        } else {
            starts = !root_;
            if (starts) root_.emplace(*this, *env);
            waiters_.push_back(w);
            waits = true;
        }
    }
    if (!waits) return make_way(w);
    if (starts) {
        self_ = shared_from_this();
        if (!root_->begin_run()) {
            fail(std::make_exception_ptr(executor_stopped{}));
            end();
        }
    }
    return w.commit();
}

void shared_run::cancel(waiter& w) noexcept {
    shared_run& self = *static_cast<shared_wait&>(w).of;
    {
        const std::lock_guard hold(self.mutex_);
        if (!self.waiters_.contains(w)) return;
        if (self.stopping_ || self.waiters_.front() == self.waiters_.back()) {
            self.stopping_ = true;
            const auto stop_run = [](void* run, stop_reason why) noexcept {
                static_cast<shared_run*>(run)->root_->stop().request_stop(why);
            };
            return self.pass_stop_on_.post(stop_run, &self, w.reason());
        }
        self.waiters_.remove(w);
    }
    w.finish_cancelled();
}

void shared_run::end() noexcept {
    const std::shared_ptr<shared_run> keep = std::move(self_);
    store_result();
    served_waiters served;
    {
        const std::lock_guard hold(mutex_);
        ended_.store(true, std::memory_order_release);
        while (waiter* const w = waiters_.pop_front())
            served.add(*w);
    }
    served.finish();
}

}  // namespace cadre::detail
