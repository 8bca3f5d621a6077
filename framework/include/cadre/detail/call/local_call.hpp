/// @file
/// A call on a local executor: the callable and its arguments are moved, not encoded.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <cadre/detail/call/packaged_call.hpp>
#include <cadre/detail/call/queued_start.hpp>
#include <cadre/detail/call/result_slot.hpp>
#include <cadre/detail/call/run_limit.hpp>
#include <cadre/detail/codec/call_name.hpp>
#include <cadre/detail/coroutine/frame_pool.hpp>
#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/detail/scheduler/resume_item.hpp>
#include <cadre/detail/scheduler/task_root.hpp>
#include <cadre/detail/task/time_limit.hpp>
#include <cadre/errors.hpp>

namespace cadre::detail {

/// Runs a packaged call (plain or coroutine) as a task of its own on a local executor. Derived classes implement
/// `ended`, and call `end_limit` in it.
///
/// `Apart`: the waiter and the worker run on two processors at the same time, so the cache lines that the worker reads
/// and writes are separate from those that only the waiter uses. Needs the alignment of a frame of the pool.
template <class Bound, bool Apart = false>
class local_work : public task_root {
public:
    using result = typename Bound::result;

    local_work(std::shared_ptr<executor_backend> home, stop_state* parent, const call_options& options, Bound&& call)
        : task_root(std::move(home), parent, options.name), limit_(options.timeout) {
        call_.emplace(std::move(call));
        this->note_callable(callable_of(call_->target()));
    }

    /// The result, once the work has ended.
    result take() {
        note_end();
        if constexpr (Bound::coroutine) {
            if (task_ && slot_.error() == nullptr) return task_.frame().promise().take();
        }
        return slot_.take();
    }

protected:
    ~local_work() = default;
    [[nodiscard]] std::exception_ptr failure() const noexcept {
        if constexpr (Bound::coroutine) {
            if (slot_.error() == nullptr && task_ && task_.frame().promise().failed())
                return task_.frame().promise().error();
        }
        return slot_.error();
    }
    void fail(std::exception_ptr error) noexcept { slot_.fail(std::move(error)); }
    void end_limit() noexcept {
        if (!limit_.active()) return;
        if (std::exception_ptr error = limit_.end(this->env(), failure(), this->info().name, this->callable());
            error != nullptr)
            slot_.fail(std::move(error));
    }
    /// For the waiter, after the worker has had these lines: fetches them together, and for writing, because single
    /// reads and writes would each wait.
    void fetch_for_writing() noexcept {
        prefetch_for_writing(this);
        prefetch_for_writing(&this->stop());
        prefetch_for_writing(&call_);
        prefetch_for_writing(&limit_);
        prefetch_for_writing(this + 1);
    }
    /// Destroys the function and its arguments, of a call that has ended or has not begun; the result stays.
    void drop_call() noexcept {
        if constexpr (Bound::coroutine) {
            if (task_ && slot_.error() == nullptr)
                slot_.fill([this]() -> result { return task_.frame().promise().take(); });
            task_ = {};
        }
        call_.reset();
    }

private:
    void note_end() {
        if (!failed()) [[likely]]
            return;
        note_limited_call(&this->stop(), failure(), [this] { return task_text(this->info().name, this->callable()); });
    }
    [[nodiscard]] bool failed() const noexcept {
        if constexpr (Bound::coroutine) {
            if (task_ && task_.frame().promise().failed()) return true;
        }
        return slot_.error() != nullptr;
    }
    std::coroutine_handle<> start() noexcept final {
        if (this->stop().stop_requested()) {
            slot_.fail(std::make_exception_ptr(cancelled{}));  // stopped before it began: never runs
        } else if constexpr (Bound::coroutine) {
            try {
                limit_.begin(this->env());
                task_ = (*call_)();
                require_coroutine(task_);
                return begin(task_.frame(), task_.frame().promise());
            } catch (...) {
                slot_.fail(std::current_exception());
            }
        } else {
            slot_.fill([this]() -> result {
                limit_.begin(this->env());
                return (*call_)();
            });
        }
        finish_now();
        return std::noop_coroutine();
    }

    struct no_task {};
    static constexpr std::size_t separation = Apart ? frame_granularity : 1;  // 1: none
    alignas(separation) alignas(std::optional<Bound>) std::optional<Bound> call_;
    // The worker reads the limit first, so it has the line of the result by the time that it writes it.
    alignas(separation) alignas(run_limit) run_limit limit_;
    result_slot<result> slot_;
    [[no_unique_address]] std::conditional_t<Bound::coroutine, typename Bound::raw, no_task> task_;
};

/// The awaiter of `on`: the work runs below the stop state of the caller, which resumes at its home. Work that an idle
/// worker begins at once costs no queue, no allocation and no listener. Else it is queued, and a stop request before it
/// has begun withdraws it and resumes the caller at once.
template <class Bound>
class local_call final : public local_work<Bound, true> {
public:
    using resumes_at_home = void;
    local_call(std::shared_ptr<executor_backend> home, const call_options& options, Bound&& call)
        : local_work<Bound, true>(std::move(home), nullptr, options, std::move(call)) {}
    ~local_call() {
        if (entered_) this->leave_home();
    }

    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> h) {
        environment* const env = environment_of_promise(h);
        caller_.prepare(h, env);
        this->stop().adopt(env->stop);  // the caller outlives the call: a request to it reaches the call
        entered_ = this->enter_home_for_waiter();
        if (!entered_) {
            this->fail(std::make_exception_ptr(executor_stopped{}));
            return false;
        }
        local_worker* const home = worker_of(env->home);
        caller_.poll_by(home);
        if (this->hand_over()) return true;
        caller_.post_instead(home);
        queue(env->stop);
        return true;
    }
    typename Bound::result await_resume() {
        this->fetch_for_writing();
        if (caller_stop_ != nullptr) caller_stop_->remove(listener_);
        if (withdrawn_) withdraw();
        return this->take();
    }

private:
    struct node : stop_node {
        local_call* self = nullptr;
    };
    static void begin_work(void* self) noexcept { static_cast<local_call*>(self)->run_start(); }
    void queue(stop_state* caller_stop) {
        item_ = queued_start::make(*this->env().home, this->info().id, &begin_work, this);
        listener_.self = this;
        listener_.fire = [](stop_node* n, stop_reason) noexcept {
            local_call& self = *static_cast<node*>(n)->self;
            if (!self.item_->withdraw()) return;
            self.withdrawn_ = true;
            self.caller_.complete();
        };
        queued_start& item = *item_;
        item.mark_queued();
        caller_stop_ = caller_stop;
        if (caller_stop != nullptr) caller_stop->add(listener_);  // may resume the caller on another thread
        item.submit();
    }
    void ended() noexcept override {
        this->end_limit();
        caller_.complete();
    }
    void withdraw() noexcept {
        queued_start::release(std::move(item_), this->info().executor);
        this->fail(std::make_exception_ptr(cancelled{}));
    }

    polled_item caller_;  // first: the worker writes it, after the result, on the same line if that is small
    queued_start::pointer item_;
    node listener_;
    stop_state* caller_stop_ = nullptr;  // while `listener_` is registered
    bool entered_ = false;  // into the registry of the home
    bool withdrawn_ = false;
};

}  // namespace cadre::detail
