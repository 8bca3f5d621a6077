#include <cadre/detail/coroutine/waiter.hpp>
#include <cadre/detail/coroutine/waits_in_progress.hpp>

#include "trace.hpp"

namespace cadre::detail {

bool waiter::commit() noexcept {
    if (cancel_ != nullptr && env != nullptr && env->stop != nullptr) {
        listening_ = true;
        env->stop->add(stop_node_);
    }
    state expected = state::arming;
    if (!state_.compare_exchange_strong(expected, state::armed, std::memory_order_acq_rel)) return false;
    // The waiter still exists: this thread resumes the coroutine later.
    if (this_thread_waits != nullptr) [[unlikely]]
        enter_waits();
    if (tracing()) [[unlikely]]
        trace_wait();
    return true;
}

void waiter::trace_wait() const noexcept {
    if (handle_ == nullptr) return;
    trace::waits(this, env != nullptr && env->info != nullptr ? env->info->id : 0, kind_);
}

// A watch of a select has no frame; the select notes its own.
void waiter::enter_waits() noexcept {
    if (handle_ == nullptr) return;
    noted_ = true;
    this_thread_waits->add(this, note());
}

void waiter::leave_waits() noexcept {
    noted_ = false;
    this_thread_waits->remove(this);
}

void waiter::finish() noexcept {
    if (state_.exchange(state::finished, std::memory_order_acq_rel) == state::armed) post_home(*this);
}

bool waiter::detach() noexcept {
    if (listening_) {
        env->stop->remove(stop_node_);
        listening_ = false;
    }
    return cancelled_;
}

void waiter::resume(work_item* item) noexcept {
    auto* self = static_cast<waiter*>(item);
    if (self->noted_) [[unlikely]]
        self->leave_waits();
    if (tracing()) [[unlikely]]
        trace::resumes(self);
    set_current_environment(self->env);
    self->handle_.resume();
}

void waiter::on_stop(stop_node* n, stop_reason) noexcept {
    waiter& self = *static_cast<node*>(n)->self;
    self.cancel_(self);
}

}  // namespace cadre::detail
