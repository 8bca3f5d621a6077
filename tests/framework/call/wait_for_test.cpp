// wait_for: whether a job has ended in time; the work goes on.
#include <cadre/wait_for.hpp>

#include <chrono>
#include <stdexcept>
#include <stop_token>
#include <utility>

#include <gtest/gtest.h>

#include <cadre/as_outcome.hpp>
#include <cadre/channel.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/job.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/when_all.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::sync_wait;
using cadre::task;

class wait_for : public ::testing::Test {
protected:
    cadre::thread_executor pool_{{.workers = 2}};
    cadre::channel<int> gate_{pool_, 1};

    [[nodiscard]] cadre::job<int> gated() {
        return cadre::spawn(pool_, [gate = gate_]() -> task<int> { co_return *co_await gate.receive(); });
    }
};

TEST_F(wait_for, says_whether_the_job_has_ended) {
    const auto body = [&]() -> task<> {
        auto j = gated();
        EXPECT_FALSE(co_await cadre::wait_for(0s, j));
        EXPECT_FALSE(co_await cadre::wait_for(1ms, j));
        co_await gate_.send(5);
        EXPECT_TRUE(co_await cadre::wait_for(1h, j));
        EXPECT_TRUE(j.ready());
        EXPECT_TRUE(co_await cadre::wait_for(0s, j));
        EXPECT_EQ(co_await j, 5);
        EXPECT_TRUE(co_await cadre::wait_for(0s, j));
    };
    sync_wait(body());
}

TEST_F(wait_for, a_failed_job_has_ended) {
    const auto body = [&]() -> task<> {
        auto j = cadre::spawn(pool_, [] { throw std::domain_error("job"); });
        EXPECT_TRUE(co_await cadre::wait_for(1h, j));
        const auto o = co_await cadre::as_outcome(std::move(j));
        EXPECT_THROW(o.value(), std::domain_error);
    };
    sync_wait(body());
}

TEST_F(wait_for, a_stop_ends_the_wait_and_not_the_work) {
    const auto body = [&]() -> task<> {
        auto j = gated();
        std::stop_source stop;
        const auto request = [&]() -> task<> {
            co_await cadre::sleep_for(1ms);
            stop.request_stop();
        };
        const auto [waited, none] = co_await cadre::when_all(
            cadre::as_outcome(cadre::with_stop(stop.get_token(), cadre::wait_for(1h, j))), request());
        EXPECT_THROW((void)waited.value(), cadre::cancelled);
        co_await gate_.send(6);
        EXPECT_EQ(co_await j, 6);
    };
    sync_wait(body());
}

TEST_F(wait_for, several_tasks_may_wait_while_one_awaits_the_job) {
    const auto body = [&]() -> task<> {
        auto j = gated();
        const auto send = [&]() -> task<> {
            co_await cadre::sleep_for(2ms);
            co_await gate_.send(7);
        };
        const auto get = [&]() -> task<int> { co_return co_await j; };
        const auto [a, b, result, none] =
            co_await cadre::when_all(cadre::wait_for(1h, j), cadre::wait_for(1h, j), get(), send());
        EXPECT_TRUE(a);
        EXPECT_TRUE(b);
        EXPECT_EQ(result, 7);
    };
    sync_wait(body());
}

TEST_F(wait_for, an_empty_job_is_refused_at_once) {
    const cadre::job<int> none;
    EXPECT_THROW((void)cadre::wait_for(1s, none), std::logic_error);
}

}  // namespace
