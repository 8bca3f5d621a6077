#include <cadre/detail/reactor.hpp>

#include <utility>

#include <cadre/detail/environment.hpp>

namespace cadre::detail {

namespace {

constinit thread_local reactor_visit* this_thread_visit = nullptr;

}  // namespace

reactor_visit::reactor_visit(reactor& where, const executor_backend* home, told before_task, void* context) noexcept
    : where_(where), home_(home), before_task_(before_task), context_(context),
      here_(!where.visited_.exchange(true, std::memory_order_acquire)),
      outer_(std::exchange(this_thread_visit, this)) {}

reactor_visit::~reactor_visit() {
    this_thread_visit = outer_;
    if (here_) where_.visited_.store(false, std::memory_order_release);
}

bool reactor_visit::resume_here(work_item& item) noexcept {
    reactor_visit* visit = this_thread_visit;
    if (visit == nullptr || visit->home_ == nullptr || item.env->home != visit->home_) return false;
    if (visit->before_task_ != nullptr) visit->before_task_(visit->context_);
    this_thread_visit = nullptr;  // what the task itself completes is not to run on top of it
    if (visit->where_.shared_) {
        visit->here_ = false;
        visit->where_.visited_.store(false, std::memory_order_release);
    }
    item.run(&item);
    set_current_environment(nullptr);
    if (visit->where_.shared_) visit->here_ = !visit->where_.visited_.exchange(true, std::memory_order_acquire);
    this_thread_visit = visit;
    return true;
}

reactor& reactor_place::get_or_make(executor_backend& backend, std::unique_ptr<reactor> (*make)(executor_backend&)) {
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
