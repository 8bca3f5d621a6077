/// @file
/// The root of a task tree on a local executor: what `on`, `spawn`, `scope` and `sync_wait` start.
#pragma once

#include <coroutine>
#include <memory>
#include <string>
#include <utility>

#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/promise.hpp>
#include <cadre/detail/scheduler/work_registry.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

/// One task at home on a local executor, with an identity and a stop state of its own. Owned by whoever derives from
/// it; alive until `ended` is called.
class task_root : protected work_item, protected completion {
public:
    task_root(const task_root&) = delete;
    task_root& operator=(const task_root&) = delete;

    [[nodiscard]] stop_state& stop() noexcept { return stop_; }
    [[nodiscard]] const task_info& info() const noexcept { return info_; }
    [[nodiscard]] environment& env() noexcept { return env_; }

protected:
    /// `parent_stop` (may be null) must outlive the root, or be detached with `stop().detach_parent()`.
    task_root(std::shared_ptr<executor_backend> home, stop_state* parent_stop, std::string name);
    ~task_root() = default;

    /// Registers with the home and posts the start there. @return false if the executor has stopped: nothing happens
    [[nodiscard]] bool launch() noexcept;
    /// For `start`: what to resume for a coroutine of this root; `ended` is called at its end.
    [[nodiscard]] std::coroutine_handle<> begin(std::coroutine_handle<> frame, promise_base& promise) noexcept {
        promise.attach(&env_, *this);
        return frame;
    }
    /// For `start`: nothing more to run; call `ended` as if a coroutine had ended.
    void finish_now() noexcept { (void)on_end(this); }

    /// Runs at home. @return what to resume (`begin`), or a no-op coroutine after `finish_now`
    [[nodiscard]] virtual std::coroutine_handle<> start() noexcept = 0;
    /// The task has ended, and the home knows. The root may be destroyed in here.
    virtual void ended() noexcept = 0;

private:
    static void on_start(work_item* item) noexcept;
    static std::coroutine_handle<> on_end(completion* c) noexcept;

    task_info info_;
    environment env_;
    stop_state stop_;
    work_root root_;
};

}  // namespace cadre::detail
