/// @file
/// Conformance: awaitables of other libraries in tasks. Include `conformance.hpp`.
#pragma once

#include <chrono>
#include <coroutine>
#include <exception>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/scope.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/testing/conformance_suite.hpp>
#include <cadre/this_task.hpp>

namespace cadre::conformance {

/// What awaitables of other libraries do.
namespace other_library {

/// Resumes the coroutine on a thread of its own: later, or before `await_suspend` returns. Then it gives the id of that
/// thread.
class on_a_thread {
public:
    explicit on_a_thread(bool before_suspend_returns = false) noexcept : at_once_(before_suspend_returns) {}
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) {
        if (at_once_) {
            std::thread started([h] { h.resume(); });
            id_ = started.get_id();
            started.join();  // `h` has been resumed; in a task, which has not suspended, this object lives on
        } else {
            std::thread([h] { h.resume(); }).detach();  // the last access to this object
        }
    }
    [[nodiscard]] std::thread::id await_resume() const noexcept { return id_; }

private:
    bool at_once_;
    std::thread::id id_;
};

/// Resumes the coroutine inside `await_suspend`.
struct in_place {
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    static void await_suspend(std::coroutine_handle<> h) { h.resume(); }
    [[nodiscard]] static int await_resume() noexcept { return 3; }
};

/// Resumes the coroutine inside a stop callback.
class until_stopped {
public:
    explicit until_stopped(std::stop_token token) noexcept : token_(std::move(token)) {}
    until_stopped(until_stopped&& other) noexcept : token_(std::move(other.token_)) {}
    until_stopped& operator=(until_stopped&&) = delete;
    ~until_stopped() = default;
    [[nodiscard]] bool await_ready() const noexcept { return token_.stop_requested(); }
    void await_suspend(std::coroutine_handle<> h) { callback_.emplace(token_, resume{h}); }
    void await_resume() noexcept { callback_.reset(); }

private:
    struct resume {
        std::coroutine_handle<> h;
        void operator()() const noexcept { h.resume(); }
    };
    std::stop_token token_;
    std::optional<std::stop_callback<resume>> callback_;
};

/// A coroutine that is awaited by symmetric transfer.
class lazy {
public:
    struct promise_type {
        std::coroutine_handle<> continuation = std::noop_coroutine();
        int value = 0;
        std::exception_ptr error;

        struct final_awaiter {
            [[nodiscard]] static bool await_ready() noexcept { return false; }
            [[nodiscard]] static std::coroutine_handle<>
            await_suspend(std::coroutine_handle<promise_type> self) noexcept {
                return self.promise().continuation;
            }
            static void await_resume() noexcept {}
        };
        [[nodiscard]] lazy get_return_object() {
            return lazy(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        [[nodiscard]] static std::suspend_always initial_suspend() noexcept { return {}; }
        [[nodiscard]] static final_awaiter final_suspend() noexcept { return {}; }
        void return_value(int v) noexcept { value = v; }
        void unhandled_exception() noexcept { error = std::current_exception(); }
    };
    lazy(lazy&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    lazy& operator=(lazy&&) = delete;
    ~lazy() {
        if (frame_) frame_.destroy();
    }
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) const noexcept {
        frame_.promise().continuation = h;
        return frame_;
    }
    [[nodiscard]] int await_resume() const {
        if (frame_.promise().error) std::rethrow_exception(frame_.promise().error);
        return frame_.promise().value;
    }

private:
    explicit lazy(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
    std::coroutine_handle<promise_type> frame_;
};

inline lazy on_another_thread(int value) {
    (void)co_await on_a_thread();
    co_return value;
}
inline lazy at_once(int value) { co_return value; }
inline lazy fails_on_another_thread() {
    (void)co_await on_a_thread();
    throw std::domain_error("of another library");
}

}  // namespace other_library

namespace work {

/// @return the number of awaits after which this task was not at home
inline task<int> await_other_library() {
    const executor home = co_await this_task::executor();
    const auto* const environment = detail::current_environment();
    // One worker of another library's pool need not be the same thread each time.
    const bool one_thread = home.concurrency() == 1 && home.kind() != executor_kind::custom;
    const auto thread = std::this_thread::get_id();
    int wrong = 0;
    const auto check = [&] {
        if (detail::current_environment() != environment) ++wrong;
        if (one_thread && std::this_thread::get_id() != thread) ++wrong;
    };
    for (int round = 0; round < 20; ++round) {
        (void)co_await other_library::on_a_thread();
        check();
        const std::thread::id other = co_await other_library::on_a_thread(true);
        check();
        if (other == std::this_thread::get_id()) ++wrong;
        if (co_await other_library::in_place() != 3) ++wrong;
        check();
        if (co_await other_library::on_another_thread(round) != round) ++wrong;
        check();
        if (co_await other_library::at_once(round) != round) ++wrong;
        check();
        try {
            (void)co_await other_library::fails_on_another_thread();
            ++wrong;
        } catch (const std::domain_error&) {
            check();
        }
    }
    co_return wrong;
}

inline task<bool> stopped_after_other_library(channel<std::string> events) {
    (void)co_await other_library::on_a_thread();
    if (stop_requested()) co_return false;
    scope children;  // needs the environment of the task
    children.spawn([]() -> task<> { (void)co_await other_library::on_a_thread(); });
    co_await children.join();
    std::stop_source source;
    source.request_stop();
    bool stopped = false;
    try {
        co_await with_stop(source.get_token(), sleep_for(std::chrono::hours(1)));
    } catch (const cancelled&) {
        stopped = true;
    }
    if (!stopped || stop_requested()) co_return false;
    co_await events.send("started");
    co_await other_library::until_stopped(co_await this_task::stop_token());
    co_return stop_requested();
}

}  // namespace work

TYPED_TEST_P(executor_conformance, awaitables_of_other_libraries_resume_at_home) {
    this->run([](executor ex) -> task<void> {
        const int wrong = co_await on(ex, work::await_other_library);
        EXPECT_EQ(wrong, 0);
        const int here = co_await work::await_other_library();
        EXPECT_EQ(here, 0);
    });
}

TYPED_TEST_P(executor_conformance, stops_and_scopes_work_after_an_awaitable_of_another_library) {
    this->run([](executor ex) -> task<void> {
        for (int round = 0; round < 20; ++round) {
            channel<std::string> events{ex, 1};
            auto j = spawn(ex, work::stopped_after_other_library, events);
            (void)co_await events.receive();
            j.request_stop();
            EXPECT_TRUE(co_await j);
        }
    });
}

}  // namespace cadre::conformance
