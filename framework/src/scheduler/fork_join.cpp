#include <cadre/detail/scheduler/fork_join.hpp>

#include <memory>

#include <cadre/executor_backend.hpp>

namespace cadre::detail {

namespace {

/// Resumes a coroutine on a home to whose deques this thread cannot push. Frees itself.
struct posted_resume final : work_item {
    explicit posted_resume(std::coroutine_handle<> h) noexcept : handle(h) {}
    std::coroutine_handle<> handle;
};

posted_resume& make_item(std::coroutine_handle<> handle, environment* env) {
    auto* item = new posted_resume(handle);
    item->env = env;
    item->run = [](work_item* self) noexcept {
        const std::unique_ptr<posted_resume> posted(static_cast<posted_resume*>(self));
        set_current_environment(posted->env);
        posted->handle.resume();
    };
    return *item;
}

void post(std::coroutine_handle<> handle, environment* env) { post_home(make_item(handle, env)); }

}  // namespace

void start_at_home(promise_base& task) {
    environment* const env = task.cadre_environment();
    if (local_worker* const worker = worker_of(env->home); worker == nullptr || !worker->spawn(task))
        post(task.frame(), env);
}

std::coroutine_handle<> start_later(std::coroutine_handle<> task) noexcept {
    environment* const env = promise_base::of(task).cadre_environment();
    if (env == nullptr || worker_of(env->home) == nullptr) return task;
    (void)defer_home(make_item(task, env));
    return std::noop_coroutine();
}

void promise_base::keep_error(std::coroutine_handle<> self) noexcept {
    promise_base& p = of(self);
    std::construct_at(&p.error_, std::current_exception());
    p.end_ = end_state::error;
    if ((p.continuation_ & not_join_tag) == 0) p.continuation_ |= deciding_tag;
}

void promise_base::drop_error() noexcept { std::destroy_at(&error_); }

void join::post_child(std::coroutine_handle<> child) noexcept {
    post(child, promise_base::of(child).cadre_environment());
}

std::coroutine_handle<> join::sibling_gone(std::coroutine_handle<> ended, runnable other) noexcept {
    if (other) this_thread_worker->fork(other);  // back where it was
    return chain_broken(ended);
}

std::coroutine_handle<> join::chain_broken(std::coroutine_handle<> ended) noexcept {
    const std::uint32_t weight = promise_base::of(ended).weight();
    const std::uint32_t all = count_;  // unless this chain is the last, the join may be destroyed after the next line
    if (ended_.fetch_add(weight, std::memory_order_acq_rel) + weight != all) return std::noop_coroutine();
    // The chain may have ended on a thread outside of the home, or the home has no local workers (a user's executor).
    const auto parent = std::coroutine_handle<>::from_address(parent_);
    if (worker_of(parent_env_->home) == nullptr) {
        post(parent, parent_env_);
        return std::noop_coroutine();
    }
    set_current_environment(parent_env_);
    return parent;
}

std::coroutine_handle<> join::deciding_child_ended(std::coroutine_handle<> ended) noexcept {
    promise_base& child = promise_base::of(ended);
    promise_base* none = nullptr;
    if (first_.compare_exchange_strong(none, &child, std::memory_order_acq_rel)) stop_.request_stop();
    return child_ended(child);
}

}  // namespace cadre::detail
