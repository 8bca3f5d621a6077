// timeout: the result if it came in time, else timed_out; what is limited has ended; nothing that is complete is lost.
#include <cadre/timeout.hpp>

#include <chrono>
#include <stdexcept>
#include <stop_token>
#include <string>

#include <gtest/gtest.h>

#include <cadre/as_outcome.hpp>
#include <cadre/errors.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/when_all.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::sync_wait;
using cadre::task;
using cadre::timeout;

task<std::string> text() { co_return "text"; }

TEST(timeout, gives_the_result) {
    EXPECT_EQ(sync_wait(timeout(1h, text())), "text");
    sync_wait(timeout(std::chrono::hours::max(), cadre::yield()));
}

TEST(timeout, ends_what_takes_too_long) {
    bool ended = false;
    auto slow = [&]() -> task<int> {
        const auto slept = co_await cadre::as_outcome(cadre::sleep_for(1h));
        co_await cadre::shield(cadre::sleep_for(2ms));  // takes its time to end
        ended = true;
        slept.value();
        co_return 1;
    };
    EXPECT_THROW((void)sync_wait(timeout(5ms, slow())), cadre::timed_out);
    EXPECT_TRUE(ended);
    EXPECT_THROW(sync_wait(timeout(1ms, cadre::sleep_for(1h))), cadre::timed_out);
}

TEST(timeout, a_complete_result_is_never_lost) {
    EXPECT_EQ(sync_wait(timeout(0s, text())), "text");
    EXPECT_EQ(sync_wait(timeout(-1s, text())), "text");
    auto stubborn = []() -> task<int> {  // pays no attention to the request
        co_await cadre::shield(cadre::sleep_for(10ms));
        co_return 3;
    };
    EXPECT_EQ(sync_wait(timeout(1ms, stubborn())), 3);
}

TEST(timeout, its_own_errors_are_not_hidden) {
    auto fails = []() -> task<> {
        co_await cadre::shield(cadre::sleep_for(5ms));
        throw std::domain_error("own");
    };
    EXPECT_THROW(sync_wait(timeout(1ms, fails())), std::domain_error);
    EXPECT_THROW(sync_wait(timeout(1h, fails())), std::domain_error);
}

TEST(timeout, a_stop_request_is_not_a_timeout) {
    std::stop_source stop;
    auto ask = [&]() -> task<> {
        co_await cadre::yield();
        stop.request_stop();
    };
    auto limited = []() -> task<> { co_await timeout(1h, cadre::sleep_for(1h)); };
    EXPECT_THROW((void)sync_wait(cadre::when_all(cadre::with_stop(stop.get_token(), limited()), ask())),
                 cadre::cancelled);
}

TEST(timeout, the_task_around_goes_on) {
    auto body = []() -> task<int> {
        int late = 0;
        for (int i = 0; i < 5; ++i) {
            try {
                co_await timeout(1ms, cadre::sleep_for(1h));
            } catch (const cadre::timed_out&) {
                ++late;
            }
            co_await cadre::sleep_for(1ms);  // not stopped itself
        }
        co_return late;
    };
    EXPECT_EQ(sync_wait(body()), 5);
}

TEST(timeout, races_with_the_result_lose_neither) {
    auto body = []() -> task<int> {
        int values = 0;
        int late = 0;
        auto work = []() -> task<int> {
            co_await cadre::sleep_for(std::chrono::microseconds(200));
            co_return 1;
        };
        for (int i = 0; i < 300; ++i) {
            try {
                values += co_await timeout(std::chrono::microseconds(100 + i), work());
            } catch (const cadre::timed_out&) {
                ++late;
            }
        }
        co_return values + late;
    };
    EXPECT_EQ(sync_wait(body()), 300);
}

}  // namespace
