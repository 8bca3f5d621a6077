#include <cadre/detail/coroutine/waiter.hpp>

namespace cadre::detail {

bool waiter::commit() noexcept {
    if (cancel_ != nullptr && env != nullptr && env->stop != nullptr) {
        listening_ = true;
        env->stop->add(stop_node_);
    }
    state expected = state::arming;
    return state_.compare_exchange_strong(expected, state::armed, std::memory_order_acq_rel);
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
    set_current_environment(self->env);
    self->handle_.resume();
}

void waiter::on_stop(stop_node* n, stop_reason) noexcept {
    waiter& self = *static_cast<node*>(n)->self;
    self.cancel_(self);
}

}  // namespace cadre::detail
