#include <cadre/detail/task/home_change.hpp>

#include <cadre/detail/scheduler/fork_join.hpp>

namespace cadre::detail {

home_change::home_change(promise_base& p) noexcept
    : task_(p), first_env_(p.cadre_environment()), continuation_(p.continuation_), stop_(first_env_->stop),
      env_{first_env_->home, first_env_->info, &stop_} {
    done = &on_end;
    run = &on_return;
    work_item::env = first_env_;
}

home_change* home_change::find_for(promise_base& p) noexcept {
    if ((p.continuation_ & promise_base::completion_tag) != promise_base::completion_tag) return nullptr;
    auto* const c = reinterpret_cast<completion*>(p.continuation_ - promise_base::completion_tag);
    return c->done == &on_end ? static_cast<home_change*>(c) : nullptr;
}

bool home_change::move(promise_base& p, const std::shared_ptr<executor_backend>& home) {
    if (home_change* const earlier = find_for(p); earlier != nullptr) return earlier->enter(home);
    auto* const change = new home_change(p);
    bool entered = false;
    try {
        entered = change->enter(home);
    } catch (...) {
        delete change;
        throw;
    }
    if (!entered) {
        delete change;
        return false;
    }
    p.attach(&change->env_, *change);
    return true;
}

home_change::place& home_change::place_of(const std::shared_ptr<executor_backend>& home) {
    for (place& known : places_)
        if (known.home == home) return known;
    place& fresh = places_.emplace_back();
    fresh.home = home;
    if (first_env_->info != nullptr) fresh.info = *first_env_->info;
    fresh.info.executor = home;
    fresh.root.stop = &stop_;
    fresh.root.name = &fresh.info.name;
    return fresh;
}

bool home_change::enter(const std::shared_ptr<executor_backend>& home) {
    place* const left = here_;
    if (home.get() == first_env_->home) {  // its registry has the root of the task
        here_ = nullptr;
        env_.info = first_env_->info;
    } else {
        place& target = place_of(home);
        if (!home->registry().enter(target.root)) return false;
        here_ = &target;
        env_.info = &target.info;
    }
    env_.home = home.get();
    if (left != nullptr) left->home->registry().leave(left->root);
    return true;
}

std::coroutine_handle<> home_change::on_end(completion* c, std::coroutine_handle<> /*ended*/) noexcept {
    auto* const self = static_cast<home_change*>(c);
    if (self->here_ == nullptr) return self->end_at_first_home();
    const work_end end(self->here_->home->registry(), self->here_->root);
    set_current_environment(nullptr);
    post_home(*self);
    return std::noop_coroutine();
}

void home_change::on_return(work_item* item) noexcept { static_cast<home_change*>(item)->end_at_first_home().resume(); }

std::coroutine_handle<> home_change::end_at_first_home() noexcept {
    promise_base& task = task_;
    task.continuation_ = continuation_;
    if (task.failed() && (continuation_ & promise_base::not_join_tag) == 0)
        task.continuation_ |= promise_base::deciding_tag;
    set_current_environment(first_env_);
    delete this;
    return task.next();
}

}  // namespace cadre::detail
