/// @file
/// The root of a task tree on a local executor: started by `on`, `spawn` and `sync_wait`.
#pragma once

#include <coroutine>
#include <memory>
#include <string>
#include <utility>

#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/promise.hpp>
#include <cadre/detail/coroutine/tracing.hpp>
#include <cadre/detail/scheduler/work_registry.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

/// One task at home on a local executor, with an identity and a stop state of its own. Its derived class owns it and
/// keeps it alive until `ended` is called.
class task_root : protected work_item, protected completion {
public:
    task_root(const task_root&) = delete;
    task_root& operator=(const task_root&) = delete;

    [[nodiscard]] stop_state& stop() noexcept { return stop_; }
    [[nodiscard]] const task_info& info() const noexcept { return info_; }
    [[nodiscard]] environment& env() noexcept { return env_; }

protected:
    /// `parent_stop` (may be null) must outlive the root.
    task_root(std::shared_ptr<executor_backend> home, stop_state* parent_stop, std::string name);
    ~task_root() = default;

    /// Registers with the home and posts the start there. @return false if the executor has stopped
    [[nodiscard]] bool launch() noexcept;
    /// The first half of `launch`, for a derived class that posts an item of its own, which calls `run_start`.
    [[nodiscard]] bool enter_home() noexcept;
    /// The same for a derived class whose waiter calls `leave_home`, instead of the worker that ends the work: the
    /// registry stays with the thread that waits.
    [[nodiscard]] bool enter_home_for_waiter() noexcept;
    /// After `enter_home_for_waiter`: lets an idle worker of the home begin the work now. @return false if there is
    /// none
    [[nodiscard]] bool hand_over() noexcept;
    void leave_home() noexcept;
    void run_start() noexcept {
        set_current_environment(&env_);
        if (tracing()) [[unlikely]]
            trace_begin(info_.id);
        start().resume();
    }
    [[nodiscard]] work_root& registration() noexcept { return root_; }
    /// For reports, before the root registers: what it runs.
    void note_callable(const callable_ref& callable) noexcept { root_.callable = callable; }
    [[nodiscard]] const callable_ref& callable() const noexcept { return root_.callable; }
    /// For `start`: the coroutine of this root, to resume; `ended` is called at its end.
    [[nodiscard]] std::coroutine_handle<> begin(std::coroutine_handle<> frame, promise_base& promise) noexcept {
        promise.attach(&env_, *this);
        return frame;
    }
    /// For `start`: there is no coroutine; calls `ended`.
    void finish_now() noexcept { (void)done(this, nullptr); }

    /// Called at home. @return the coroutine to resume (`begin`), or a no-op coroutine after `finish_now`
    [[nodiscard]] virtual std::coroutine_handle<> start() noexcept = 0;
    /// The task has ended and has left the home's registry, unless the waiter does that. May destroy the root.
    virtual void ended() noexcept = 0;

private:
    [[nodiscard]] bool enter() noexcept;
    [[nodiscard]] bool enter_traced() noexcept;
    static void on_start(work_item* item) noexcept;
    static std::coroutine_handle<> on_end(completion* c, std::coroutine_handle<> ended) noexcept;
    static std::coroutine_handle<> on_end_for_waiter(completion* c, std::coroutine_handle<> ended) noexcept;

    // First what the worker that runs the root reads, on the cache line of the work item.
    stop_state stop_;
    environment env_;
    task_info info_;
    work_root root_;
};

}  // namespace cadre::detail
