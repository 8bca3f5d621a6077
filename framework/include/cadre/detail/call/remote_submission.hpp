/// @file
/// Registration, stop forwarding and deregistration of a call on a remote executor.
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <cadre/detail/base/owning_pointer.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/detail/scheduler/work_registry.hpp>
#include <cadre/detail/task/time_limit.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

/// The steps of every portable call around its submission, in this order:
///
///     if (auto error = submission.admit(stop)) …;   // refused: nothing was sent
///     submission.submit();                          // or a batch of calls, then `resend_stop()` of each
///     submission.unlink();                          // after the completion, before the stop state goes
///     submission.end_limit(reply);                  // in `portable_call::complete`
///     submission.leave([&] { notify(); });          // in `portable_call::complete`
///
/// `unlink` and `leave` may come in either order. Used again from the top when the call has completed.
class remote_submission {
public:
    /// Both `call` and the object that holds this submission live until the call has completed.
    remote_submission(std::shared_ptr<executor_backend> backend, portable_call& call) noexcept;
    remote_submission(const remote_submission&) = delete;
    remote_submission& operator=(const remote_submission&) = delete;

    /// Registers the call with its executor and listens to `stop` (may be null), which must outlive the call.
    /// @return `cancelled` if stop was requested already, `executor_stopped`, or null if the call was admitted
    [[nodiscard]] std::exception_ptr admit(stop_state* stop) noexcept;
    /// Submits the call, then resends a stop request made since `admit`: backends ignore stop requests for calls that
    /// they do not know, or that have completed.
    void submit() noexcept;
    /// The second half of `submit`, for a call that was submitted in a batch; on the thread that will call `unlink`.
    void resend_stop() noexcept { resend(stop_); }
    /// Passes a stop request on to the call alone, after its submission.
    void request_stop() noexcept { backend_->request_stop(call_, stop_reason::requested); }
    /// Afterwards no stop request reaches the backend. Harmless if the call was not admitted.
    void unlink() noexcept;
    /// In `portable_call::complete`, if the call has a time limit that its backend does not enforce: ends the limit,
    /// and puts `timed_out` in the place of an error that it has caused.
    void end_limit(call_reply& reply) noexcept {
        if (limit_ != nullptr) [[unlikely]]
            end_own_limit(reply);
    }
    /// Before the reply is read: adds the task, and `item`, to the origin of an error that the task has not thrown
    /// itself, such as the death of its worker.
    void name_origin(call_reply& reply, std::string_view item = {}) const {
        if (reply.kind == reply_kind::failure) [[unlikely]]
            add_task_to_origin(reply, item);
    }
    /// Before the reply is read, after `name_origin`: if a deadline of `stop` (may be null) has ended the call, a
    /// `timeout` around it will name it.
    void note_end(call_reply& reply, const stop_state* stop) const {
        if (reply.kind == reply_kind::failure || reply.kind == reply_kind::exception) [[unlikely]]
            note_error(reply, stop);
    }
    /// The stop state to which the call listens; null: none, or not any longer.
    [[nodiscard]] const stop_state* stop() const noexcept { return stop_; }
    /// Whether the call was submitted by a process of which this one is a fork.
    [[nodiscard]] bool foreign() const noexcept { return backend_->registry().foreign(); }
    [[nodiscard]] const executor_backend& backend() const noexcept { return *backend_; }
    /// Deregisters the call and calls `notify`, which may destroy the call. A shutdown completes after `notify` has
    /// returned.
    template <class Notify>
    void leave(Notify notify) noexcept {
        const work_end end(backend_->registry(), root_);
        notify();
    }

private:
    void resend(const stop_state* stop) noexcept;
    void end_own_limit(call_reply& reply) noexcept;
    void add_task_to_origin(call_reply& reply, std::string_view item) const;
    void note_error(call_reply& reply, const stop_state* stop) const;
    [[nodiscard]] std::string task() const;

    struct node : stop_node {
        remote_submission* self = nullptr;
    };
    std::shared_ptr<executor_backend> backend_;
    portable_call& call_;
    stop_state* stop_ = nullptr;  // while linked
    node node_;
    work_root root_;
    owning_pointer<deadline_stop> limit_;
};

/// The reply of a call that was not run.
[[nodiscard]] call_reply failed_reply(std::exception_ptr error) noexcept;

}  // namespace cadre::detail
