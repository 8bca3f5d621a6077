#include <cadre/detail/state/select_branches.hpp>

#include <cadre/detail/task/time_limit.hpp>
#include <cadre/sleep.hpp>

namespace cadre::detail {

bool select_branch_of<after_operation>::try_first(after_operation& limit) noexcept {
    const steady_time begin = now();
    limit.begin(begin);
    return limit.when() <= begin;
}

bool select_branch_of<after_operation>::try_now() { return timer_.when <= now(); }

bool select_branch_of<after_operation>::watch(select_core& by, environment* env) noexcept {
    auto& w = watch_.emplace();
    w.begin(by, *this, env);
    timer_.watch = &w;
    timer_.fire = [](timer_node* n) noexcept { static_cast<node*>(n)->watch->finish(); };
    env->home->timers().add(timer_);
    return w.commit();
}

bool select_branch_of<after_operation>::unwatch() noexcept { return watch_->env->home->timers().cancel(timer_); }

}  // namespace cadre::detail
