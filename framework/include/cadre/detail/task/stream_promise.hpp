/// @file
/// The synchronisation between a stream's body and its consumer: the part of a stream's promise that does not depend on
/// the element type.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>

#include <cadre/detail/coroutine/await_check.hpp>
#include <cadre/detail/coroutine/await_transform.hpp>
#include <cadre/detail/coroutine/environment.hpp>
#include <cadre/detail/coroutine/frame_pool.hpp>
#include <cadre/detail/coroutine/stop_state.hpp>
#include <cadre/detail/coroutine/waiter.hpp>
#include <cadre/executor_backend.hpp>

namespace cadre::detail {

class stream_promise_base;

/// Yielded by a stream's body: the consumer's `next()` throws `error`, and the following one resumes the body.
struct stream_error {
    // g++ 12 destroys a temporary of an aggregate type twice where it is yielded.
    explicit stream_error(std::exception_ptr e) noexcept : error(std::move(e)) {}
    std::exception_ptr error;
};

/// A consumer that waits for the next element.
struct stream_wait : waiter {
    stream_promise_base* from = nullptr;
};

/// The body has an environment of its own for its whole life: it follows the stop requests of the task that made the
/// stream, and not those of a single `next()`. A `next()` whose own stop is requested leaves the body running; the
/// element that the body yields then is kept for the following `next()`.
///
/// The word `state_`:
///
///     state     changed by                                               to        order
///     idle      consumer, `next`: resumes the body                       waiting   store, release
///     waiting   body, `hand_over`, inside `next`: no other thread
///               knows of the waiter yet                                  idle      store, release
///               body, `hand_over`: finishes the waiter                   idle      compare-exchange, acq_rel
///               stop request, `cancel`: finishes the waiter              running   compare-exchange, acq_rel
///     running   body, `hand_over`: the element is kept                   idle      compare-exchange, acq_rel
///               consumer, `next`: waits for the element                  waiting   compare-exchange, acq_rel
///               destructor of the stream, `leave`                        dropped   compare-exchange, acq_rel
///     dropped   body, `hand_over`: destroys its frame                    -
///
/// "Waiting" is the address of the waiter. In `idle` the body is suspended between two elements, or has not started, or
/// has ended.
class stream_promise_base : public pooled_frame, public awaits_at_home {
public:
    stream_promise_base() noexcept;
    stream_promise_base(const stream_promise_base&) = delete;
    stream_promise_base& operator=(const stream_promise_base&) = delete;

    class hand_over_awaiter {
    public:
        explicit hand_over_awaiter(stream_promise_base& p) noexcept : promise_(&p) {}
        [[nodiscard]] static bool await_ready() noexcept { return false; }
        void await_suspend(std::coroutine_handle<> body) const noexcept { promise_->hand_over(body); }
        static void await_resume() noexcept {}

    private:
        stream_promise_base* promise_;
    };

    [[nodiscard]] static std::suspend_always initial_suspend() noexcept { return {}; }
    [[nodiscard]] hand_over_awaiter final_suspend() noexcept { return hand_over_awaiter(*this); }
    [[nodiscard]] hand_over_awaiter yield_value(stream_error failure) noexcept {
        error_ = std::move(failure.error);
        return hand_over_awaiter(*this);
    }
    static void return_void() noexcept {}
    void unhandled_exception() noexcept { error_ = std::current_exception(); }
    [[nodiscard]] environment* cadre_environment() noexcept { return &env_; }

    /// Whether the body is suspended between two elements, or at its end: then its results may be read.
    [[nodiscard]] bool idle() const noexcept { return state_.load(std::memory_order_acquire) == idle_word; }
    [[nodiscard]] bool has_error() const noexcept { return error_ != nullptr; }
    void rethrow_error() {
        if (error_ != nullptr) std::rethrow_exception(std::exchange(error_, nullptr));
    }
    /// Resumes the body if it is idle, and waits for its next element. @return whether the consumer suspends
    [[nodiscard]] bool next(std::coroutine_handle<> body, stream_wait& wait, std::coroutine_handle<> consumer,
                            environment* consumer_env) noexcept;
    /// One more `stream` refers to the body.
    void add_handle() noexcept { handles_.fetch_add(1, std::memory_order_relaxed); }
    /// @return whether no `stream` refers to the body any more
    [[nodiscard]] bool drop_handle() noexcept {
        return handles_.load(std::memory_order_acquire) == 1 || handles_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    }
    /// The last stream is destroyed. @return whether the body runs, and will destroy its frame itself
    [[nodiscard]] bool leave() noexcept;

protected:
    ~stream_promise_base() = default;

private:
    static constexpr std::uintptr_t idle_word = 0;
    static constexpr std::uintptr_t running_word = 1;
    static constexpr std::uintptr_t dropped_word = 2;
    [[nodiscard]] static std::uintptr_t word_of(waiter& w) noexcept { return reinterpret_cast<std::uintptr_t>(&w); }

    void hand_over(std::coroutine_handle<> body) noexcept;
    void destroy_dropped(std::coroutine_handle<> body) noexcept;
    static void cancel(waiter& w) noexcept;
    void settle_at(const environment& consumer);

    std::atomic<std::uintptr_t> state_{idle_word};
    environment env_;
    task_info info_;  // of the first consumer: the body may outlive that task
    std::shared_ptr<executor_backend> home_;  // of the last consumer
    stop_state stop_;
    work_root root_;  // of a dropped body, which its home waits for at a shutdown
    bool registered_ = false;
    std::atomic<unsigned> handles_{1};  // the last decrement acquires what the others released
    std::exception_ptr error_;
};

}  // namespace cadre::detail
