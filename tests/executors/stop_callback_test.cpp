// Stop callbacks of a user may start and end work on the executor that is being stopped: they run under no lock of the
// library.
#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <cadre/cadre.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::executor;
using cadre::task;

void clean_up(cadre::channel<std::string> events) { (void)events.try_send("cleaned up"); }

// Its callback spawns on the executor that stops it, and the task waits for that in spite of the request.
task<> spawns_when_stopped(executor ex, cadre::channel<std::string> events) {
    const std::stop_token token = co_await cadre::this_task::stop_token();
    cadre::job<void> cleaning;
    try {
        // Its destructor waits for a callback that runs on another thread.
        const std::stop_callback callback(token, [&] { cleaning = cadre::spawn(ex, clean_up, events); });
        co_await events.send("started");
        co_await cadre::sleep_for(1h);
    } catch (const cadre::cancelled&) {  // NOLINT(bugprone-empty-catch): expected
    }
    (void)co_await cadre::as_outcome(cadre::shield(std::move(cleaning)));
}

enum class request { of_the_job, of_the_executor, by_the_deadline_of_shutdown };

task<> stop_while_working(executor ex, request how) {
    cadre::channel<std::string> events{ex, 4};
    auto j = cadre::spawn(ex, spawns_when_stopped, ex, events);
    EXPECT_EQ(co_await events.receive(), "started");
    switch (how) {
        case request::of_the_job: j.request_stop(); break;
        case request::of_the_executor: ex.request_stop(); break;
        case request::by_the_deadline_of_shutdown: co_await ex.shutdown(20ms); co_return;
    }
    (void)co_await cadre::as_outcome(std::move(j));
    if (how == request::of_the_executor) co_return;  // may have stopped the clean-up, too
    EXPECT_EQ(co_await events.receive(), "cleaned up");
}

class stop_callback : public testing::TestWithParam<std::string> {};

TEST_P(stop_callback, may_start_work_on_the_executor_that_stops_it) {
    for (int i = 0; i < 20; ++i)
        for (const request how : {request::of_the_job, request::of_the_executor, request::by_the_deadline_of_shutdown})
            cadre::sync_wait(stop_while_working(cadre::make_executor(GetParam()), how));
}

INSTANTIATE_TEST_SUITE_P(kinds, stop_callback, testing::Values("serial", "thread:2", "process:2"),
                         [](const auto& kind) { return kind.param.substr(0, kind.param.find(":")); });

// An awaitable of a user whose stop callback resumes the coroutine inside the request.
class until_stopped {
public:
    explicit until_stopped(std::stop_token token) : token_(std::move(token)) {}
    until_stopped(until_stopped&& other) noexcept : token_(std::move(other.token_)) {}
    [[nodiscard]] bool await_ready() const noexcept { return token_.stop_requested(); }
    void await_suspend(std::coroutine_handle<> h) { callback_.emplace(token_, call{h}); }
    void await_resume() noexcept { callback_.reset(); }

private:
    struct call {
        std::coroutine_handle<> handle;
        void operator()() const noexcept { handle.resume(); }
    };
    std::stop_token token_;
    std::optional<std::stop_callback<call>> callback_;
};

task<int> wait_until_stopped() {
    co_await until_stopped(co_await cadre::this_task::stop_token());
    co_return 7;
}
task<int> end_soon() {
    co_await cadre::sleep_for(2ms);
    co_return 1;
}
task<> request_soon(std::stop_source& source) {
    co_await cadre::sleep_for(2ms);
    source.request_stop();
}

TEST(stop_callback_that_resumes_inline, ends_a_timeout) {
    for (int i = 0; i < 50; ++i)
        EXPECT_EQ(cadre::sync_wait(cadre::timeout(1ms, wait_until_stopped())), 7);
}

TEST(stop_callback_that_resumes_inline, ends_with_stop) {
    for (int i = 0; i < 50; ++i) {
        const auto body = []() -> task<int> {
            std::stop_source source;
            cadre::scope s;
            s.spawn(request_soon(source));
            const int result = co_await cadre::with_stop(source.get_token(), wait_until_stopped());
            co_await s.join();
            co_return result;
        };
        EXPECT_EQ(cadre::sync_wait(body()), 7);
    }
}

TEST(stop_callback_that_resumes_inline, ends_scopes_and_losers) {
    for (int i = 0; i < 50; ++i) {
        const auto body = []() -> task<> {
            auto first = co_await cadre::when_any(wait_until_stopped(), end_soon());
            EXPECT_EQ(first.index(), 1u);
            cadre::scope s;
            s.spawn(wait_until_stopped());
            s.spawn(wait_until_stopped());
            co_await cadre::yield();
            s.request_stop();
            co_await s.join();
        };
        cadre::sync_wait(body());
    }
}

}  // namespace
