#include <cadre/detail/fork_join.hpp>

#include <cadre/executor_backend.hpp>

namespace cadre::detail {

std::coroutine_handle<> join::launch(std::span<join_child> children) noexcept {
    local_worker* w = worker_of(env_.home);
    // In reverse: the owner pops the second child first, a thief takes the last.
    if (w != nullptr) {
        for (std::size_t i = children.size() - 1; i > 0; --i)
            w->fork(&children[i]);
    } else {
        for (std::size_t i = 1; i < children.size(); ++i)
            post_home(children[i]);
    }
    set_current_environment(&env_);
    return children[0].frame;
}

std::coroutine_handle<> join::post_parent() noexcept {
    resume_.prepare(parent_, parent_env_);
    post_home(resume_);
    return std::noop_coroutine();
}

void join::notice(join_child& child) noexcept {
    join_child* none = nullptr;
    const bool first_end = any_ && first_ended_.compare_exchange_strong(none, &child, std::memory_order_acq_rel);
    none = nullptr;
    const bool first_failure =
        child.promise->failed() && first_failed_.compare_exchange_strong(none, &child, std::memory_order_acq_rel);
    if (first_end || first_failure) stop_.request_stop();
}

}  // namespace cadre::detail
