/// @file
/// A call on a local executor: the callable and its arguments are moved, not encoded.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <cadre/detail/call/packaged_call.hpp>
#include <cadre/detail/call/result_slot.hpp>
#include <cadre/detail/scheduler/resume_item.hpp>
#include <cadre/detail/scheduler/task_root.hpp>
#include <cadre/errors.hpp>

namespace cadre::detail {

/// Runs a packaged call (plain or coroutine) as a task of its own on a local executor. Derived classes implement `ended`.
template <class Bound>
class local_work : public task_root {
public:
    using result = typename Bound::result;

    local_work(std::shared_ptr<executor_backend> home, stop_state* parent, std::string name, Bound&& call)
        : task_root(std::move(home), parent, std::move(name)), call_(std::move(call)) {}

    /// The result, once the work has ended.
    result take() {
        if constexpr (Bound::coroutine) {
            if (task_) return task_.frame().promise().take();
        }
        return slot_.take();
    }

protected:
    ~local_work() = default;
    void fail(std::exception_ptr error) noexcept { slot_.fail(std::move(error)); }

private:
    std::coroutine_handle<> start() noexcept final {
        if (this->stop().stop_requested()) {
            slot_.fail(std::make_exception_ptr(cancelled{}));  // stopped before it began: never runs
        } else if constexpr (Bound::coroutine) {
            try {
                task_ = call_();
                return begin(task_.frame(), task_.frame().promise());
            } catch (...) {
                slot_.fail(std::current_exception());
            }
        } else {
            slot_.fill([this]() -> result { return call_(); });
        }
        finish_now();
        return std::noop_coroutine();
    }

    struct no_task {};
    Bound call_;
    result_slot<result> slot_;
    [[no_unique_address]] std::conditional_t<Bound::coroutine, typename Bound::raw, no_task> task_;
};

/// The awaiter of `on`: the work runs below the stop state of the caller, which resumes at its home.
template <class Bound>
class local_call final : public local_work<Bound> {
public:
    using local_work<Bound>::local_work;

    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
        environment* const env = environment_of_promise(h);
        caller_.prepare(h, env);
        this->stop().adopt(env->stop);  // the caller outlives the call: a request to it reaches the call
        if (this->launch()) return true;
        this->fail(std::make_exception_ptr(executor_stopped{}));
        return false;
    }
    typename Bound::result await_resume() { return this->take(); }

private:
    void ended() noexcept override { post_home(caller_); }
    resume_item caller_;
};

}  // namespace cadre::detail
