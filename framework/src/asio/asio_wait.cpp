#include <cadre/detail/asio/asio_wait.hpp>

#include <utility>

#include <cadre/detail/scheduler/reactor.hpp>

namespace cadre::detail {

asio_wait::~asio_wait() {
    if (strand_ != nullptr) strand_->drop_reference();
}

bool asio_wait::arm(std::coroutine_handle<> task, environment* environment_of_task) {
    task_ = task;
    env = environment_of_task;
    run = &resume;
    if (env->stop != nullptr && env->stop->stop_requested()) {
        refused_ = true;
        return false;
    }
    strand_ = asio_strand::take(*env->home);
    holds_.store(2, std::memory_order_relaxed);  // the operation and its start
    return true;
}

bool asio_wait::commit() noexcept {
    if (env->stop != nullptr) {
        stop_listener_.self = this;
        stop_listener_.fire = &on_stop;
        listening_ = true;
        env->stop->add(stop_listener_);
    }
    return holds_.fetch_sub(1, std::memory_order_acq_rel) != 1;
}

void asio_wait::settle() noexcept {
    if (!listening_) return;
    env->stop->remove(stop_listener_);
    listening_ = false;
}

// A step of another thread may be running: the task resumes after it.
void asio_wait::end() noexcept {
    ended_.store(true, std::memory_order_release);
    end_.self = this;
    end_.env = env;
    end_.run = &run_end;
    run_end(&end_);
}

void asio_wait::run_end(work_item* item) noexcept {
    auto* const step = static_cast<own_step*>(item);
    asio_wait& self = *step->self;
    if (!self.strand_->enter(*step)) return;
    self.strand_->set_ended(self);
    self.strand_->leave();
}

void asio_wait::release() noexcept {
    if (holds_.fetch_sub(1, std::memory_order_acq_rel) == 1 && !reactor_lease::resume_here(*this)) post_home(*this);
}

void asio_wait::resume(work_item* item) noexcept {
    auto* self = static_cast<asio_wait*>(item);
    set_current_environment(self->env);
    self->task_.resume();
}

// Runs with the lock of the stop tree held: only posts. The listener is registered until the task has resumed, so the
// wait may have ended: then `holds_` is zero.
void asio_wait::on_stop(stop_node* node, stop_reason) noexcept {
    asio_wait& self = *static_cast<stop_listener*>(node)->self;
    if (std::exchange(self.requested_, true)) return;
    unsigned holds = self.holds_.load(std::memory_order_relaxed);
    do
        if (holds == 0) return;
    while (!self.holds_.compare_exchange_weak(holds, holds + 1, std::memory_order_acq_rel));
    self.emission_.self = &self;
    self.emission_.env = self.env;
    self.emission_.run = &run_emission;
    post_home(self.emission_);
}

wait_note asio_wait::describe(const stop_node& listener) noexcept {
    const asio_wait& self = *static_cast<const stop_listener&>(listener).self;
    return {self.task_, self.env, wait_kind::foreign};
}

const bool asio_wait::described = describe_waits(description_key(&on_stop), &describe);

void asio_wait::run_emission(work_item* item) noexcept {
    auto* const step = static_cast<own_step*>(item);
    asio_wait& self = *step->self;
    if (!self.strand_->enter(*step)) return;
    if (!self.ended_.load(std::memory_order_acquire)) {
        self.emitted_ = true;
        self.strand_->emit_cancellation();
    }
    self.strand_->leave();
    self.release();
}

}  // namespace cadre::detail
