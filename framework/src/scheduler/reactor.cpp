#include <cadre/detail/scheduler/reactor.hpp>

#include <utility>

#include <cadre/detail/coroutine/environment.hpp>

namespace cadre::detail {

namespace {

constinit thread_local reactor_lease* this_thread_lease = nullptr;

}  // namespace

reactor_lease::reactor_lease(reactor& where, const executor_backend* home, task_hooks hooks) noexcept
    : reactor_(where), home_(home), hooks_(hooks), held_(!where.leased_.exchange(true, std::memory_order_acquire)),
      outer_(std::exchange(this_thread_lease, this)) {}

reactor_lease::~reactor_lease() {
    this_thread_lease = outer_;
    if (held_) reactor_.leased_.store(false, std::memory_order_release);
}

bool reactor_lease::resume_here(work_item& item) noexcept {
    reactor_lease* lease = this_thread_lease;
    if (lease == nullptr || lease->home_ == nullptr || item.env->home != lease->home_) return false;
    const task_hooks& hooks = lease->hooks_;
    if (hooks.before != nullptr) hooks.before(hooks.context);
    this_thread_lease = nullptr;  // handlers that the task completes must not resume other tasks inside of it
    if (lease->reactor_.shared_) {
        lease->held_ = false;
        lease->reactor_.leased_.store(false, std::memory_order_release);
    }
    item.run(&item);
    set_current_environment(nullptr);
    if (lease->reactor_.shared_) lease->held_ = !lease->reactor_.leased_.exchange(true, std::memory_order_acquire);
    this_thread_lease = lease;
    if (hooks.stay_after != nullptr && !hooks.stay_after(hooks.context)) lease->reactor_.leave();
    return true;
}

void reactor_lease::leave_soon() noexcept {
    if (this_thread_lease != nullptr) this_thread_lease->reactor_.leave();
}

reactor& reactor_holder::get_or_make(executor_backend& backend, std::unique_ptr<reactor> (*make)(executor_backend&)) {
    if (reactor* there = get(); there != nullptr) return *there;
    {
        const std::lock_guard hold(mutex_);
        if (owner_ == nullptr) owner_.reset(make(backend).release());
        made_.store(owner_.get(), std::memory_order_seq_cst);
    }
    made();
    return *get();
}

}  // namespace cadre::detail
