// when_any: the first to end wins, with its value or its error; the others were stopped and have ended.
#include <cadre/when_any.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

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
using cadre::when_any;

task<int> sleeper(bool& ended) {
    const auto slept = co_await cadre::as_outcome(cadre::sleep_for(1h));
    co_await cadre::shield(cadre::sleep_for(1ms));  // unwinds slowly
    ended = true;
    slept.value();
    co_return 0;
}

TEST(when_any, the_first_to_end_wins) {
    bool ended = false;
    auto quick = []() -> task<std::unique_ptr<int>> {
        co_await cadre::sleep_for(1ms);
        co_return std::make_unique<int>(7);
    };
    auto first = sync_wait(when_any(sleeper(ended), quick()));
    EXPECT_TRUE(ended);
    ASSERT_EQ(first.index(), 1u);
    EXPECT_EQ(*get<1>(first), 7);
    EXPECT_THROW((void)get<0>(first), std::bad_variant_access);
    EXPECT_EQ(first.value().index(), 1u);
}

TEST(when_any, takes_a_range) {
    auto after = [](std::chrono::microseconds delay, int value) -> task<std::unique_ptr<int>> {
        co_await cadre::sleep_for(delay);
        co_return std::make_unique<int>(value);
    };
    std::vector<task<std::unique_ptr<int>>> tasks;
    tasks.push_back(after(1h, 0));
    tasks.push_back(after(1h, 1));
    tasks.push_back(after(1ms, 2));
    auto first = sync_wait(when_any(std::move(tasks)));
    EXPECT_EQ(first.index(), 2u);
    EXPECT_EQ(*first.value(), 2);

    std::vector<decltype(cadre::sleep_for(1h))> sleeps;
    sleeps.push_back(cadre::sleep_for(1h));
    sleeps.push_back(cadre::sleep_for(1us));
    const auto woken = sync_wait(when_any(std::move(sleeps)));
    EXPECT_EQ(woken.index(), 1u);
    static_assert(std::is_same_v<decltype(woken.value()), const std::monostate&>);

    EXPECT_THROW((void)when_any(std::vector<task<int>>{}), std::invalid_argument);
}

TEST(when_any, over_a_range_an_error_wins_too) {
    bool ended = false;
    std::vector<task<int>> tasks;
    tasks.push_back(sleeper(ended));
    tasks.push_back([]() -> task<int> {
        co_await cadre::yield();
        throw std::runtime_error("x");
    }());
    EXPECT_THROW((void)sync_wait(when_any(std::move(tasks))), std::runtime_error);
    EXPECT_TRUE(ended);
}

TEST(when_any, an_error_wins_too) {
    bool ended = false;
    auto fail = []() -> task<int> {
        co_await cadre::yield();
        throw std::runtime_error("x");
    };
    EXPECT_THROW((void)sync_wait(when_any(sleeper(ended), fail())), std::runtime_error);
    EXPECT_TRUE(ended);
}

TEST(when_any, takes_void_and_any_awaitable) {
    bool ended = false;
    auto first = sync_wait(when_any(cadre::sleep_for(1ms), sleeper(ended)));
    EXPECT_EQ(first.index(), 0u);
    auto alone = sync_wait(when_any(cadre::yield()));
    EXPECT_EQ(alone.index(), 0u);
}

TEST(when_any, a_ready_awaitable_wins) {
    bool ended = false;
    auto ready = []() -> task<int> { co_return 1; };
    auto first = sync_wait(when_any(ready(), sleeper(ended)));
    EXPECT_EQ(first.index(), 0u);
    EXPECT_TRUE(ended);
}

TEST(when_any, stop_is_passed_on) {
    bool a = false;
    bool b = false;
    std::stop_source stop;
    auto wait = [&]() -> task<> { (void)co_await when_any(sleeper(a), sleeper(b)); };
    auto ask = [&]() -> task<> {
        co_await cadre::yield();
        stop.request_stop();
    };
    EXPECT_THROW((void)sync_wait(cadre::when_all(cadre::with_stop(stop.get_token(), wait()), ask())), cadre::cancelled);
    EXPECT_TRUE(a && b);
}

}  // namespace
