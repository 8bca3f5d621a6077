// sleep_for, sleep_until, yield: no thread is held; deadlines in order; stop ends a sleep at once; yield is fair.
#include <cadre/sleep.hpp>

#include <chrono>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/errors.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/when_all.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::sync_wait;
using cadre::task;
using std::chrono::steady_clock;

TEST(sleep, lasts_at_least_the_duration) {
    const auto start = steady_clock::now();
    sync_wait(cadre::sleep_for(20ms));
    EXPECT_GE(steady_clock::now() - start, 20ms);
    sync_wait(cadre::sleep_until(start + 30ms));
    EXPECT_GE(steady_clock::now() - start, 30ms);
    sync_wait(cadre::sleep_until(std::chrono::system_clock::now() + 5ms));
}

TEST(sleep, of_no_or_negative_duration_ends_at_once) {
    sync_wait(cadre::sleep_for(0s));
    sync_wait(cadre::sleep_for(-5h));
    sync_wait(cadre::sleep_until(steady_clock::time_point::min()));
}

TEST(sleep, ends_in_order_of_the_deadlines) {
    std::vector<int> order;
    auto sleeper = [&](int i) -> task<> {
        co_await cadre::sleep_for(i * 5ms);
        order.push_back(i);
    };
    (void)sync_wait(cadre::when_all(sleeper(4), sleeper(1), sleeper(3), sleeper(0), sleeper(2)));
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(sleep, ten_thousand_sleep_at_once) {
    std::vector<task<>> tasks;
    auto sleeper = [](int i) -> task<> { co_await cadre::sleep_for(std::chrono::microseconds(i)); };
    for (int i = 0; i < 10'000; ++i)
        tasks.push_back(sleeper(i));
    EXPECT_EQ(sync_wait(cadre::when_all(std::move(tasks))).size(), 10'000u);
}

TEST(sleep, stop_ends_it_at_once) {
    std::stop_source stop;
    auto ask = [&]() -> task<> {
        co_await cadre::yield();
        stop.request_stop();
    };
    auto sleep = []() -> task<> { co_await cadre::sleep_for(std::chrono::hours::max()); };
    EXPECT_THROW((void)sync_wait(cadre::when_all(cadre::with_stop(stop.get_token(), sleep()), ask())),
                 cadre::cancelled);
    // Requested before the sleep began.
    EXPECT_THROW(sync_wait(cadre::with_stop(stop.get_token(), cadre::sleep_for(1h))), cadre::cancelled);
    EXPECT_THROW(sync_wait(cadre::with_stop(stop.get_token(), cadre::sleep_for(0s))), cadre::cancelled);
}

TEST(yield, runs_other_ready_work_first) {
    std::string order;
    auto letter = [&](char c) -> task<> {
        for (int i = 0; i < 5; ++i) {
            order += c;
            co_await cadre::yield();
        }
    };
    (void)sync_wait(cadre::when_all(letter('a'), letter('b'), letter('c')));
    for (std::size_t round = 0; round < 5; ++round) {  // every task runs once in each round
        const std::string turn = order.substr(round * 3, 3);
        EXPECT_NE(turn.find('a'), std::string::npos) << order;
        EXPECT_NE(turn.find('b'), std::string::npos) << order;
        EXPECT_NE(turn.find('c'), std::string::npos) << order;
    }
}

TEST(yield, timers_are_not_starved_by_yielding) {
    bool over = false;
    auto busy = [&]() -> task<int> {
        int turns = 0;
        while (!over) {
            co_await cadre::yield();
            ++turns;
        }
        co_return turns;
    };
    auto sleep = [&]() -> task<> {
        co_await cadre::sleep_for(5ms);
        over = true;
    };
    (void)sync_wait(cadre::when_all(busy(), sleep()));
    EXPECT_TRUE(over);
}

TEST(yield, is_no_cancellation_point) {
    std::stop_source stop;
    stop.request_stop();
    sync_wait(cadre::with_stop(stop.get_token(), cadre::yield()));
}

}  // namespace
