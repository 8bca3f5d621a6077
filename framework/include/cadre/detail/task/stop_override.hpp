/// @file
/// A task that is awaited under another stop state than the awaiting task's.
#pragma once

#include <coroutine>
#include <utility>

#include <cadre/detail/coroutine/await_check.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/promise.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/scheduler/fork_join.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/task.hpp>

namespace cadre::detail {

/// Awaits a task in an environment that differs from the awaiting task's in its stop state only, which a `Source`
/// provides:
///
///     stop_state& begin(const environment& parent);          // before the task starts
///     void end(const environment& parent, promise_base& p);  // after it has ended; may throw instead of its result
template <class T, class Source>
class [[nodiscard]] stop_override {
public:
    using resumes_at_home = void;
    stop_override(task<T> t, Source source) noexcept : source_(std::move(source)), task_(std::move(t)) {}
    // Moved only before it is awaited.
    stop_override(stop_override&& o) noexcept : source_(std::move(o.source_)), task_(std::move(o.task_)) {}
    stop_override& operator=(stop_override&&) = delete;
    ~stop_override() { check_awaited(!task_ || task_.frame().promise().ended(), "timeout(), with_stop() or shield()"); }

    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <class Promise>
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) {
        parent_env_ = environment_of_promise(parent);
        env_ = {parent_env_->home, parent_env_->info, &source_.begin(*parent_env_)};
        task_.frame().promise().attach(&env_, parent);
        set_current_environment(&env_);
        if (!task_may_continue()) [[unlikely]]
            return start_later(task_.frame());
        return task_.frame();
    }
    T await_resume() {
        set_current_environment(parent_env_);
        source_.end(*parent_env_, task_.frame().promise());
        return task_.frame().promise().take();
    }

private:
    environment* parent_env_ = nullptr;
    environment env_;
    Source source_;
    task<T> task_;  // last: what its frame still holds may be linked to the source's stop state
};

}  // namespace cadre::detail
