#include <cadre/detail/call/job_state.hpp>

#include <unistd.h>

namespace cadre::detail {

pid_t this_process_id() noexcept { return ::getpid(); }

job_state_base::job_state_base(timer_service& timers, std::chrono::nanoseconds limit) {
    const environment* env = current_environment();
    stop_.follow(env != nullptr ? env->stop : nullptr);
    if (limit.count() > 0) {
        deadline_.emplace();
        deadline_->arm(timers, deadline_after(limit), &stop_);
    }
}

job_state_base::~job_state_base() { stop_.unfollow(); }

bool job_state_base::wait(job_wait& w, std::coroutine_handle<> h, environment* env) noexcept {
    w.job = shared_from_this();
    w.waiting.self = &w;
    w.waiting.prepare(h, env, [](waiter& waiting) noexcept {
        job_wait& self = *static_cast<job_wait::node&>(waiting).self;
        self.pass_stop_on.post([](void* job) noexcept { static_cast<job_state_base*>(job)->request_stop(); },
                               self.job.get());
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
    std::shared_ptr<completion_queue> line;
    {
        const std::lock_guard hold(mutex_);
        ready_.store(true, std::memory_order_release);
        w = std::exchange(waiting_, nullptr);
        line = std::move(line_);
    }
    if (line != nullptr) line->arrive(number_);
    if (w != nullptr) w->finish();
}

void job_state_base::notify(std::shared_ptr<completion_queue> line, std::size_t number) {
    {
        const std::lock_guard hold(mutex_);
        number_ = number;
        if (!ready()) {
            line_ = std::move(line);
            return;
        }
    }
    line->arrive(number);
}

void job_state_base::check_limit(const std::exception_ptr& error) const {
    if (limit_passed_ && ended_by_stop(error)) throw timed_out{};
}

bool remote_job_link::send(stop_state& stop) noexcept {
    if (!backend_->registry().enter(root_)) return false;
    stop_ = &stop;
    stop_node_.self = this;
    stop_node_.fire = [](stop_node* n, stop_reason why) noexcept {
        remote_job_link& self = *static_cast<node*>(n)->self;
        self.backend_->request_stop(self, why);
    };
    portable_call* one = this;
    // Registered first, so that `complete` finds it registered. A request that comes before the submission reaches a
    // backend that does not know the call, and is repeated.
    stop.add(stop_node_);
    backend_->submit(std::span<portable_call* const>(&one, 1));
    if (const stop_reason why = stop.reason(); why != stop_reason::none) backend_->request_stop(*this, why);
    return true;
}

void remote_job_link::settle() noexcept {
    stop_->remove(stop_node_);
    backend_->registry().begin_leave(root_);
    backend_->registry().finish_leave();
}

}  // namespace cadre::detail
