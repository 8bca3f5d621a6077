/// @file
/// A task that runs beside the coroutine that starts it, and may outlive it.
#pragma once

#include <coroutine>
#include <memory>

#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/scheduler/task_root.hpp>
#include <cadre/task.hpp>

namespace cadre::detail {

/// Runs at the home and with the identity of its starter, and follows its stop requests. Belongs to the home until it
/// ends: a shutdown waits for it. The body keeps its errors to itself.
class background_task final : public task_root, public std::enable_shared_from_this<background_task> {
public:
    background_task(const environment& starter, task<void> body);
    background_task(const background_task&) = delete;
    background_task& operator=(const background_task&) = delete;
    ~background_task();

    /// Called once, before or after which the starter may drop it. @throws executor_stopped
    void begin_run();

private:
    [[nodiscard]] std::coroutine_handle<> start() noexcept override {
        return begin(body_.frame(), body_.frame().promise());
    }
    void ended() noexcept override;

    task_info info_;
    task<void> body_;
    std::shared_ptr<background_task> self_;  // keeps this object while the task runs
};

/// Starts `body` beside the running coroutine, and asks it to stop when it is destroyed.
class background_work {
public:
    /// @throws executor_stopped
    explicit background_work(task<void> body);
    background_work(const background_work&) = delete;
    background_work& operator=(const background_work&) = delete;
    ~background_work() { request_stop(); }

    void request_stop() noexcept { task_->stop().request_stop(); }

private:
    std::shared_ptr<background_task> task_;
};

}  // namespace cadre::detail
