#include <cadre/detail/scheduler/reactor.hpp>

#include <utility>

#include <cadre/detail/coroutine/environment.hpp>

namespace cadre::detail {

namespace {

constinit thread_local reactor_lease* this_thread_visit = nullptr;

}  // namespace

reactor_lease::reactor_lease(reactor& where, const executor_backend* home, task_hooks hooks) noexcept
    : where_(where), home_(home), hooks_(hooks), here_(!where.visited_.exchange(true, std::memory_order_acquire)),
      outer_(std::exchange(this_thread_visit, this)) {}

reactor_lease::~reactor_lease() {
    this_thread_visit = outer_;
    if (here_) where_.visited_.store(false, std::memory_order_release);
}

bool reactor_lease::resume_here(work_item& item) noexcept {
    reactor_lease* visit = this_thread_visit;
    if (visit == nullptr || visit->home_ == nullptr || item.env->home != visit->home_) return false;
    const task_hooks& hooks = visit->hooks_;
    if (hooks.before != nullptr) hooks.before(hooks.context);
    this_thread_visit = nullptr;  // what the task itself completes is not to run on top of it
    if (visit->where_.shared_) {
        visit->here_ = false;
        visit->where_.visited_.store(false, std::memory_order_release);
    }
    item.run(&item);
    set_current_environment(nullptr);
    if (visit->where_.shared_) visit->here_ = !visit->where_.visited_.exchange(true, std::memory_order_acquire);
    this_thread_visit = visit;
    if (hooks.stay_after != nullptr && !hooks.stay_after(hooks.context)) visit->where_.leave();
    return true;
}

void reactor_lease::leave_soon() noexcept {
    if (this_thread_visit != nullptr) this_thread_visit->where_.leave();
}

reactor& reactor_holder::get_or_make(executor_backend& backend, std::unique_ptr<reactor> (*make)(executor_backend&)) {
    if (reactor* there = get(); there != nullptr) return *there;
    {
        const std::lock_guard hold(mutex_);
        if (owner_ == nullptr) owner_ = make(backend);
        made_.store(owner_.get(), std::memory_order_seq_cst);
    }
    made();
    return *get();
}

}  // namespace cadre::detail
