#include <cadre/detail/coroutine/waits_in_progress.hpp>
#include <cadre/detail/state/select_core.hpp>

#include "scheduler/loop_control.hpp"

#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/errors.hpp>

namespace cadre::detail {

namespace {

// The rounds in which the operations of a select seemed possible and failed, after which other work of the executor
// runs.
constexpr int max_rounds = 4;

constinit thread_local std::size_t turn = 0;

}  // namespace

std::size_t select_core::next_turn() noexcept {
    loop_control* const control = control_here();
    return control != nullptr ? control->next_turn() : turn++;
}

wait_note select_core::describe(const stop_node& listener_node) noexcept {
    const select_core& self = *static_cast<const listener&>(listener_node).self;
    return {self.handle_, self.env, wait_kind::select};
}

const bool select_core::described = describe_waits(description_key(&on_stop), &describe);

bool select_core::try_all() noexcept {
    const std::size_t begin = next_turn();
    for (std::size_t n = 0; n != branch_count_; ++n) {
        const std::size_t i = (begin + n) % branch_count_;
        if (try_one(i, [&] { return branches_[i]->try_now(); })) return true;
    }
    return false;
}

bool select_core::suspend(branches of, std::coroutine_handle<> handle, environment* env_of_task) noexcept {
    branches_ = of.data();
    branch_count_ = of.size();
    handle_ = handle;
    env = env_of_task;
    if (performed_ != none) {  // the task yields to others
        run = &resume_at_home;
        return defer_home(*this);
    }
    if (env->stop != nullptr) {
        listener_.self = this;
        listener_.fire = &on_stop;
        listening_ = true;
        env->stop->add(listener_);
    }
    const bool suspended = wait();
    // The select still exists: this thread resumes the coroutine later.
    if (suspended && this_thread_waits != nullptr) [[unlikely]] {
        noted_ = true;
        this_thread_waits->add(this, {handle_, env, wait_kind::select});
    }
    return suspended;
}

void select_core::end_wait() {
    if (std::exchange(noted_, false)) [[unlikely]]
        this_thread_waits->remove(this);
    if (std::exchange(listening_, false)) env->stop->remove(listener_);
    for (std::size_t i = 0; i != branch_count_; ++i)
        if (i != performed_) branches_[i]->abandon();
    if (performed_ == none) throw cancelled{};
}

bool select_core::wait() noexcept {
    for (int round = 0; round != max_rounds; ++round) {
        if (watch_all()) return true;
        if (try_all()) return false;
        const std::lock_guard hold(mutex_);
        if (cancelled_) return false;
    }
    run = &proceed_at_home;
    post_home(*this);
    return true;
}

bool select_core::watch_all() noexcept {
    const std::lock_guard hold(mutex_);
    if (cancelled_) return false;
    for (select_branch* const b : branches(branches_, branch_count_)) {
        b->watched_ = b->watch(*this, env);
        if (!b->watched_) {
            unwatch_all_locked();
            break;
        }
        ++outstanding_;
    }
    waiting_ = outstanding_ != 0;
    return waiting_;
}

void select_core::unwatch_all_locked() noexcept {
    for (select_branch* const b : branches(branches_, branch_count_)) {
        if (!b->watched_ || !b->unwatch()) continue;
        b->watched_ = false;
        --outstanding_;
    }
}

void select_core::notified(select_branch& branch) noexcept {
    {
        const std::lock_guard hold(mutex_);
        branch.watched_ = false;
        --outstanding_;
        unwatch_all_locked();
        if (outstanding_ != 0) return;
        waiting_ = false;
    }
    proceed_at_home(this);
}

// A watch that cannot be withdrawn makes the task proceed.
void select_core::on_stop(stop_node* node, stop_reason) noexcept {
    select_core& self = *static_cast<listener*>(node)->self;
    {
        const std::lock_guard hold(self.mutex_);
        self.cancelled_ = true;
        self.unwatch_all_locked();
        if (!self.waiting_ || self.outstanding_ != 0) return;
        self.waiting_ = false;
    }
    self.run = &resume_at_home;
    post_home(self);
}

void select_core::proceed_at_home(work_item* item) noexcept {
    auto& self = *static_cast<select_core*>(item);
    set_current_environment(self.env);
    // An operation that is possible is performed although stop was requested, as without select.
    if (self.try_all() || !self.wait()) resume_at_home(item);
}

void select_core::resume_at_home(work_item* item) noexcept {
    auto& self = *static_cast<select_core*>(item);
    set_current_environment(self.env);
    self.handle_.resume();
}

}  // namespace cadre::detail
