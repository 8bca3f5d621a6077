/// @file
/// The one run of a shared task: the part of its state that does not depend on the result.
#pragma once

#include <atomic>
#include <coroutine>
#include <memory>
#include <mutex>

#include <cadre/detail/base/intrusive_list.hpp>
#include <cadre/detail/base/late_object.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/coroutine/waiter.hpp>
#include <cadre/detail/scheduler/deferred_action.hpp>
#include <cadre/detail/scheduler/task_root.hpp>

namespace cadre::detail {

class shared_run;

/// A coroutine that awaits a shared task.
struct shared_wait : waiter {
    shared_run* of = nullptr;
};

/// The first waiter starts the run at its home, as a task of its own. A waiter whose stop is requested leaves at once,
/// unless it is the only one: then it passes the request on and stays until the run has ended, so that a run always has
/// a coroutine that awaits it.
///
///     word     state  changed by                                          to     order
///     ended_   false  the end of the run, `mutex_` held, result stored    true   store, release
///
/// `ended` reads it with acquire before the result is read.
class shared_run : public std::enable_shared_from_this<shared_run> {
public:
    shared_run(const shared_run&) = delete;
    shared_run& operator=(const shared_run&) = delete;
    virtual ~shared_run();

    [[nodiscard]] bool ended() const noexcept { return ended_.load(std::memory_order_acquire); }
    /// Waits for the end of the run, which it starts if that has not begun. @return whether the coroutine suspends
    [[nodiscard]] bool wait(shared_wait& w, std::coroutine_handle<> h, environment* env);

protected:
    shared_run() noexcept = default;

    /// The coroutine and its promise.
    [[nodiscard]] virtual promise_base& promise() noexcept = 0;
    /// Stores the result and destroys the coroutine.
    virtual void store_result() noexcept = 0;
    /// The run was refused.
    virtual void fail(std::exception_ptr error) noexcept = 0;

private:
    class root final : public task_root {
    public:
        root(shared_run& run, const environment& first);
        [[nodiscard]] bool begin_run() noexcept { return launch(); }

    private:
        [[nodiscard]] std::coroutine_handle<> start() noexcept override {
            promise_base& p = run_.promise();
            return begin(p.frame(), p);
        }
        void ended() noexcept override { run_.end(); }

        shared_run& run_;
        task_info info_;  // of the first waiter
    };
    static void cancel(waiter& w) noexcept;
    void end() noexcept;

    std::mutex mutex_;  // under it: `deferred_action::post`; waiters are finished without it
    wait_list waiters_;
    bool stopping_ = false;  // the run is asked to stop: all waiters stay
    std::atomic<bool> ended_{false};
    late_object<root> root_;  // since the run has begun
    deferred_action pass_stop_on_;
    std::shared_ptr<shared_run> self_;  // keeps this object while the task runs
};

}  // namespace cadre::detail
