/// @file
/// The state of a job that its handle, its awaiter and its work share.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <sys/types.h>

#include <cadre/detail/call/completion_queue.hpp>
#include <cadre/detail/call/local_call.hpp>
#include <cadre/detail/call/packaged_call.hpp>
#include <cadre/detail/call/remote_call.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/coroutine/waiter.hpp>
#include <cadre/detail/scheduler/deferred_action.hpp>
#include <cadre/executor.hpp>
#include <cadre/timeout.hpp>

namespace cadre::detail {

class job_state_base;

[[nodiscard]] pid_t this_process_id() noexcept;

/// A coroutine that awaits a job.
struct job_wait {
    struct node : waiter {
        job_wait* self = nullptr;
    };
    node waiting;
    std::shared_ptr<job_state_base> job;
    deferred_action pass_stop_on;

    job_wait() noexcept = default;
    job_wait(job_wait&&) noexcept {}  // moved only before it is awaited
    void end() noexcept {
        (void)waiting.detach();
        pass_stop_on.settle();
    }
};

/// The part that does not depend on the result. The handle, an awaiter and the running work keep it alive.
class job_state_base : public std::enable_shared_from_this<job_state_base> {
public:
    job_state_base(const job_state_base&) = delete;
    job_state_base& operator=(const job_state_base&) = delete;
    virtual ~job_state_base();

    void request_stop(stop_reason why = stop_reason::requested) noexcept { stop_.request_stop(why); }
    [[nodiscard]] bool ready() const noexcept { return ready_.load(std::memory_order_acquire); }
    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] virtual pid_t worker_pid() const noexcept = 0;
    /// The handle is destroyed: asks the work to stop.
    void abandon() noexcept {
        stop_.unfollow();
        if (!ready()) stop_.request_stop();
    }
    /// Pushes `node` to `queue` when the work has ended, at once if it has. The work shares the ownership of `queue`, which
    /// keeps `node` alive. At most once.
    void notify(std::shared_ptr<completion_queue> queue, completion_queue::node& node);
    /// Waits for the end of the work. @return whether the coroutine suspends
    [[nodiscard]] bool wait(job_wait& w, std::coroutine_handle<> h, environment* env) noexcept;

protected:
    /// Follows the stop state of the calling task; `limit` (0: none) is the job's time limit.
    explicit job_state_base(std::chrono::nanoseconds limit);
    /// The stop state of the work itself.
    [[nodiscard]] stop_state& work_stop() noexcept { return deadline_ ? deadline_->stop() : stop_; }
    /// The work has ended and its result is stored: notifies the awaiter and the completion queue.
    void announce() noexcept;
    /// Throws `timed_out` in place of an error that the job's own time limit has caused.
    void check_limit(const std::exception_ptr& error) const;

    std::uint64_t id_ = 0;

private:
    stop_state stop_;
    std::optional<deadline_stop> deadline_;
    bool limit_passed_ = false;
    std::mutex mutex_;
    waiter* waiting_ = nullptr;
    std::shared_ptr<completion_queue> queue_;
    completion_queue::node* completion_ = nullptr;
    // false → true, once: `announce`, with release, after the result is stored and with `mutex_` held, so that `wait` and
    // `notify`, which check it under the mutex, are never missed. `ready` reads it with acquire before the result is read.
    std::atomic<bool> ready_{false};
};

template <class R>
class job_state : public job_state_base {
public:
    [[nodiscard]] virtual R take() = 0;

protected:
    using job_state_base::job_state_base;
};

template <class Bound>
class local_job final : public job_state<typename Bound::result>, public local_work<Bound> {
    using result = typename Bound::result;

public:
    local_job(const executor& ex, Bound&& call)
        : job_state<result>(ex.options().timeout),
          local_work<Bound>(ex.backend(), &this->work_stop(), ex.options().name, std::move(call)) {
        this->id_ = this->info().id;
    }
    void start_work() {
        self_ = this->shared_from_this();
        if (this->launch()) return;
        this->fail(std::make_exception_ptr(executor_stopped{}));
        ended();
    }
    [[nodiscard]] pid_t worker_pid() const noexcept override { return this_process_id(); }
    [[nodiscard]] result take() override {
        try {
            return local_work<Bound>::take();
        } catch (...) {
            this->check_limit(std::current_exception());
            throw;
        }
    }

private:
    void ended() noexcept override {
        const auto keep = std::move(self_);
        this->announce();
    }
    std::shared_ptr<job_state_base> self_;
};

template <class Bound>
class remote_job final : public job_state<typename Bound::result>, private portable_call {
    using result = typename Bound::result;

public:
    remote_job(const executor& ex, const Bound& call)
        : job_state<result>(ex.options().timeout), submission_(ex.backend(), *this) {
        this->id_ = id = next_task_id();
        entry = trampoline_id<single_call<Bound>>();
        options = ex.options();
        options.timeout = {};
        encode_call(arguments, context_, call);
    }
    void start_work() {
        if (std::exception_ptr error = submission_.admit(&this->work_stop()); error != nullptr) {
            reply_ = failed_reply(std::move(error));
            this->announce();
            return;
        }
        self_ = this->shared_from_this();
        submission_.submit();
    }
    [[nodiscard]] pid_t worker_pid() const noexcept override { return portable_call::worker_pid.load(); }
    [[nodiscard]] result take() override {
        if (reply_.kind == reply_kind::value) return read_reply<result>(reply_);
        try {
            return read_reply<result>(reply_);
        } catch (...) {
            this->check_limit(std::current_exception());
            throw;
        }
    }

private:
    void complete(call_reply reply) noexcept override {
        reply_ = std::move(reply);
        const auto keep = std::move(self_);
        submission_.unlink();
        submission_.leave([this]() noexcept { this->announce(); });
    }
    remote_submission submission_;
    codec_context context_;
    call_reply reply_;
    std::shared_ptr<job_state_base> self_;
};

template <class Bound>
std::shared_ptr<job_state<typename Bound::result>> start_local_job(const executor& ex, Bound call) {
    auto state = std::make_shared<local_job<Bound>>(ex, std::move(call));
    state->start_work();
    return state;
}

template <class Bound>
std::shared_ptr<job_state<typename Bound::result>> start_job(const executor& ex, Bound call) {
    if (!ex.backend()->remote()) return start_local_job(ex, std::move(call));
    auto state = std::make_shared<remote_job<Bound>>(ex, call);
    state->start_work();
    return state;
}

}  // namespace cadre::detail
