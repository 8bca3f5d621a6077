// Programs whose outcome depended on the order of their tasks before a fault was fixed. docs/design/virtual-time.md
// lists the seeds that find each fault if its fix is removed.

#include <cadre/cadre.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cadre::task;

namespace {

constexpr std::uint64_t seeds = 100;

// Equal times: the seed draws which of the tasks goes on first.
task<> steps(int n) {
    for (; n != 0; --n)
        co_await cadre::sleep_for(1ms);
}

template <class Program>
void run_under_seeds(Program program) {
    for (std::uint64_t seed = 0; seed != seeds; ++seed) {
        SCOPED_TRACE(seed);
        cadre::serial_executor loop{{.clock = cadre::clock_kind::virtual_time, .seed = seed}};
        try {
            cadre::sync_wait(cadre::on(loop, program));
        } catch (const std::exception& e) {
            ADD_FAILURE() << e.what();
        }
        if (::testing::Test::HasFailure()) break;  // with the first seed that finds it
    }
}

task<> poll(const bool& ready) {
    while (!ready)
        co_await cadre::sleep_for(1ms);
}

// Helpers that are ended early have ended by themselves, or wait: neither is an error.
task<> end_helpers_early() {
    bool ready = false;
    cadre::scope helpers;
    helpers.spawn(poll(ready));
    helpers.spawn(poll(ready));
    co_await steps(3);
    ready = true;
    helpers.request_stop();
    co_await helpers.join();
}

TEST(found_by_seeds, the_stop_of_a_scope_is_no_error_of_its_tasks) { run_under_seeds(end_helpers_early); }

// An awaitable of another library that resumes its coroutine in a stop callback, inside `request_stop`.
struct until_stopped {
    struct call {
        std::coroutine_handle<> waiting;
        void operator()() const noexcept { waiting.resume(); }
    };
    explicit until_stopped(std::stop_token t) : token(std::move(t)) {}
    until_stopped(const until_stopped&) = delete;
    until_stopped& operator=(const until_stopped&) = delete;
    ~until_stopped() = default;
    [[nodiscard]] bool await_ready() const noexcept { return token.stop_requested(); }
    void await_suspend(std::coroutine_handle<> h) { callback.emplace(token, call{h}); }
    void await_resume() noexcept { callback.reset(); }

    std::stop_token token;
    std::optional<std::stop_callback<call>> callback;
};

task<> wait_for_stop(const bool& requesting) {
    co_await steps(1);
    until_stopped stopped(co_await cadre::this_task::stop_token());
    co_await stopped;
    EXPECT_FALSE(requesting) << "the task goes on inside request_stop";
}

task<> stop_waits_of_others() {
    bool requesting = false;
    cadre::scope s;
    s.spawn(wait_for_stop(requesting));
    co_await steps(1);
    requesting = true;
    s.request_stop();
    requesting = false;
    co_await s.join();
}

TEST(found_by_seeds, a_stop_callback_that_resumes_a_task_posts_it) { run_under_seeds(stop_waits_of_others); }

// A stop callback that starts work on the executor of the task that is stopped.
task<> clean_up_in_a_callback(cadre::executor ex, int& cleaned) {
    co_await cadre::shield(steps(1));
    const auto token = co_await cadre::this_task::stop_token();
    std::optional<cadre::job<int>> cleaning;
    const auto clean = [&] { cleaning.emplace(cadre::spawn(ex, [] { return 1; })); };
    const std::stop_callback<decltype(clean)> callback(token, clean);
    static_cast<void>(co_await cadre::as_outcome(cadre::sleep_for(1h)));
    static_cast<void>(co_await cadre::as_outcome(cadre::shield(std::move(*cleaning))));  // it may be stopped itself
    ++cleaned;
}

task<> stop_callbacks_that_spawn() {
    int cleaned = 0;
    const cadre::executor self = co_await cadre::this_task::executor();
    cadre::scope s;
    s.spawn(clean_up_in_a_callback(self, cleaned));
    co_await steps(1);
    s.request_stop();
    static_cast<void>(co_await cadre::as_outcome(s.join()));
    EXPECT_EQ(cleaned, 1);
}

TEST(found_by_seeds, a_stop_callback_may_start_work) { run_under_seeds(stop_callbacks_that_spawn); }

task<int> take_milliseconds(int n) {
    co_await cadre::sleep_for(n * 1ms);
    co_return n;
}

task<int> add_as_completed(std::vector<cadre::job<int>> jobs) {
    int sum = 0;
    auto completed = cadre::as_completed(std::move(jobs));
    while (auto job = co_await completed.next())
        sum += co_await std::move(*job);
    co_return sum;
}

// The stop comes when the second job is due, before or after it has been taken.
task<> stop_as_completed() {
    const cadre::executor self = co_await cadre::this_task::executor();
    std::vector<cadre::job<int>> jobs;
    for (const int n : {1, 2, 60'000})
        jobs.push_back(cadre::spawn(self, take_milliseconds, n));
    const auto begin = cadre::now();
    static_cast<void>(co_await cadre::when_any(steps(2), add_as_completed(std::move(jobs))));
    EXPECT_EQ(cadre::now() - begin, 2ms);
}

TEST(found_by_seeds, a_stop_of_as_completed_reaches_its_jobs) { run_under_seeds(stop_as_completed); }

// The first of two tasks shuts the executor down if it is the last one left. It is a task of that executor, and gets an
// error.
task<> end_and_shut_down(cadre::executor ex, int& left, bool shuts_down) {
    co_await steps(1);
    if (--left != 0 || !shuts_down) co_return;
    const auto shut = co_await cadre::as_outcome(ex.shutdown(1h));
    EXPECT_THROW(static_cast<void>(shut.value()), std::logic_error);
}

task<> shut_down_from_inside() {
    const cadre::executor self = co_await cadre::this_task::executor();
    int left = 2;
    co_await cadre::when_all(end_and_shut_down(self, left, true), end_and_shut_down(self, left, false));
}

TEST(found_by_seeds, a_task_does_not_wait_for_itself_in_a_shutdown) { run_under_seeds(shut_down_from_inside); }

}  // namespace
