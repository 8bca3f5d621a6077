#include <cadre/detail/call/job_state.hpp>

#include <unistd.h>

namespace cadre::detail {

pid_t this_process_id() noexcept { return ::getpid(); }

job_state_base::job_state_base(std::chrono::nanoseconds limit) {
    const environment* env = current_environment();
    stop_.follow(env != nullptr ? env->stop : nullptr);
    if (limit.count() > 0) {
        deadline_.emplace();
        deadline_->arm(deadline_after(limit), &stop_);
    }
}

job_state_base::~job_state_base() { stop_.unfollow(); }

bool job_state_base::wait(job_wait& w, std::coroutine_handle<> h, environment* env) noexcept {
    w.job = shared_from_this();
    w.waiting.self = &w;
    w.waiting.prepare(h, env, [](waiter& waiting) noexcept {
        job_wait& self = *static_cast<job_wait::node&>(waiting).self;
        self.pass_stop_on.post(
            [](void* job, stop_reason why) noexcept { static_cast<job_state_base*>(job)->request_stop(why); },
            self.job.get(), waiting.reason());
    });
    {
        const std::lock_guard hold(mutex_);
        if (ready()) return false;
        waiting_ = &w.waiting;
    }
    return w.waiting.commit();
}

void job_state_base::announce() noexcept {
    if (deadline_) limit_passed_ = deadline_->disarm();
    stop_.unfollow();
    waiter* w = nullptr;
    std::shared_ptr<completion_queue> queue;
    {
        const std::lock_guard hold(mutex_);
        ready_.store(true, std::memory_order_release);
        w = std::exchange(waiting_, nullptr);
        queue = std::move(queue_);
    }
    if (queue != nullptr) queue->push(*completion_);
    if (w != nullptr) w->finish();
}

void job_state_base::notify(std::shared_ptr<completion_queue> queue, completion_queue::node& node) {
    {
        const std::lock_guard hold(mutex_);
        if (!ready()) {
            completion_ = &node;
            queue_ = std::move(queue);
            return;
        }
    }
    queue->push(node);
}

void job_state_base::check_limit(const std::exception_ptr& error) const {
    if (limit_passed_ && ended_by_stop(error)) throw timed_out{};
}

}  // namespace cadre::detail
