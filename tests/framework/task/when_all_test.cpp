// when_all: results in order of the arguments; the first failure stops the rest, which have ended when it is rethrown.
#include <cadre/when_all.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/errors.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::sync_wait;
using cadre::task;
using cadre::when_all;

task<int> later(int x) {
    co_await cadre::yield();
    co_return x;
}
task<> nothing() { co_return; }
task<int> fail_later(std::string text) {
    co_await cadre::yield();
    throw std::runtime_error(text);
}
task<int> sleep_and_note(bool& stopped) {
    try {
        co_await cadre::sleep_for(1h);
    } catch (const cadre::cancelled&) {
        stopped = true;
        throw;
    }
    co_return 0;
}

TEST(when_all, results_are_in_order_of_the_arguments) {
    auto body = []() -> task<> {
        auto [a, none, c] = co_await when_all(later(1), nothing(), later(3));
        static_assert(std::is_same_v<decltype(none), std::monostate>);
        EXPECT_EQ(a, 1);
        EXPECT_EQ(c, 3);
    };
    sync_wait(body());
}

TEST(when_all, of_nothing_is_complete) {
    EXPECT_EQ(sync_wait(when_all()), std::tuple<>{});
    EXPECT_TRUE(sync_wait(when_all(std::vector<task<int>>{})).empty());
}

TEST(when_all, takes_any_awaitable) {
    const auto [none, n] = sync_wait(when_all(cadre::sleep_for(1ms), later(2)));
    (void)none;
    EXPECT_EQ(n, 2);
}

TEST(when_all, takes_a_range) {
    std::vector<task<int>> tasks;
    for (int i = 0; i < 1000; ++i)
        tasks.push_back(later(i));
    const std::vector<int> results = sync_wait(when_all(std::move(tasks)));
    ASSERT_EQ(results.size(), 1000u);
    for (int i = 0; i < 1000; ++i)
        EXPECT_EQ(results[static_cast<std::size_t>(i)], i);
    std::vector<task<>> voids;
    voids.push_back(nothing());
    voids.push_back(nothing());
    EXPECT_EQ(sync_wait(when_all(std::move(voids))).size(), 2u);
}

TEST(when_all, takes_a_view_that_makes_the_tasks) {
    const auto numbers = std::views::iota(0, 100);
    EXPECT_EQ(sync_wait(when_all(numbers | std::views::transform(later))).size(), 100u);
    // Of unknown size: the tasks move when the list grows.
    auto odd = numbers | std::views::filter([](int x) { return x % 2 == 1; });
    const std::vector<int> results = sync_wait(when_all(odd | std::views::transform(later)));
    ASSERT_EQ(results.size(), 50u);
    for (int i = 0; i < 50; ++i)
        EXPECT_EQ(results[static_cast<std::size_t>(i)], 2 * i + 1);
    EXPECT_TRUE(sync_wait(when_all(numbers | std::views::take(0) | std::views::transform(later))).empty());
    auto none = numbers | std::views::filter([](int x) { return x < 0; });
    EXPECT_TRUE(sync_wait(when_all(none | std::views::transform(later))).empty());
}

TEST(when_all, takes_containers_of_awaitables) {
    std::array<task<int>, 2> kept{later(1), later(2)};
    EXPECT_EQ(sync_wait(when_all(kept)), (std::vector{1, 2}));
    std::list<task<int>> listed;
    listed.push_back(later(3));
    EXPECT_EQ(sync_wait(when_all(std::move(listed))), std::vector{3});
    EXPECT_EQ(sync_wait(when_all(std::vector(3, cadre::yield()))).size(), 3u);
}

TEST(when_all, carries_results_of_any_type_from_a_range) {
    auto is_odd = [](int x) -> task<bool> { co_return x % 2 == 1; };
    EXPECT_EQ(sync_wait(when_all(std::views::iota(0, 3) | std::views::transform(is_odd))),
              (std::vector{false, true, false}));
    auto make = [](int x) -> task<std::unique_ptr<int>> {
        co_await cadre::yield();
        co_return std::make_unique<int>(x);
    };
    const auto made = sync_wait(when_all(std::views::iota(0, 20) | std::views::transform(make)));
    ASSERT_EQ(made.size(), 20u);
    EXPECT_EQ(*made.front() + *made.back(), 19);
}

TEST(when_all, destroys_its_tasks_when_the_range_throws) {
    auto held = std::make_shared<int>(1);
    auto hold = [](std::shared_ptr<int> p) -> task<int> { co_return *p; };
    const auto make = [&](int x) {
        if (x == 12) throw std::runtime_error("no more");
        return hold(held);
    };
    const auto numbers = std::views::iota(0, 20);
    EXPECT_THROW((void)when_all(numbers | std::views::transform(make)), std::runtime_error);
    auto any = numbers | std::views::filter([](int) { return true; });
    EXPECT_THROW((void)when_all(any | std::views::transform(make)), std::runtime_error);
    EXPECT_EQ(held.use_count(), 1);
}

TEST(when_all, of_a_view_stops_the_rest_after_a_failure) {
    std::array<bool, 3> stopped{};
    const auto make = [&](int x) { return x == 1 ? fail_later("x") : sleep_and_note(stopped.at(std::size_t(x))); };
    EXPECT_THROW(sync_wait(when_all(std::views::iota(0, 3) | std::views::transform(make))), std::runtime_error);
    EXPECT_TRUE(stopped[0] && stopped[2]);
}

TEST(when_all, carries_move_only_results) {
    auto make = [](int x) -> task<std::unique_ptr<int>> {
        co_await cadre::yield();
        co_return std::make_unique<int>(x);
    };
    auto [a, b] = sync_wait(when_all(make(1), make(2)));
    EXPECT_EQ(*a + *b, 3);
}

TEST(when_all, a_failure_stops_the_rest_and_waits_for_it) {
    bool first = false;
    bool second = false;
    EXPECT_THROW(sync_wait(when_all(sleep_and_note(first), fail_later("x"), sleep_and_note(second))),
                 std::runtime_error);
    EXPECT_TRUE(first);
    EXPECT_TRUE(second);
    std::vector<task<int>> tasks;
    bool third = false;
    tasks.push_back(sleep_and_note(third));
    tasks.push_back(fail_later("y"));
    EXPECT_THROW(sync_wait(when_all(std::move(tasks))), std::runtime_error);
    EXPECT_TRUE(third);
}

TEST(when_all, rethrows_the_first_failure) {
    auto late = []() -> task<int> {
        for (int i = 0; i < 10; ++i)
            co_await cadre::yield();
        throw std::runtime_error("late");
    };
    try {
        (void)sync_wait(when_all(late(), fail_later("early")));
        FAIL() << "no error";
    } catch (const std::runtime_error& e) {
        EXPECT_STREQ(e.what(), "early");
    }
}

TEST(when_all, destroys_the_results_after_a_failure) {
    auto held = std::make_shared<int>(1);
    auto give = [&]() -> task<std::shared_ptr<int>> { co_return held; };
    EXPECT_THROW((void)sync_wait(when_all(give(), fail_later("x"), give())), std::runtime_error);
    EXPECT_EQ(held.use_count(), 1);
}

TEST(when_all, passes_stop_on) {
    bool first = false;
    bool second = false;
    std::stop_source stop;
    auto ask = [&]() -> task<> {
        co_await cadre::yield();
        stop.request_stop();
    };
    auto both = [&]() -> task<> { (void)co_await when_all(sleep_and_note(first), sleep_and_note(second)); };
    EXPECT_THROW((void)sync_wait(when_all(cadre::with_stop(stop.get_token(), both()), ask())), cadre::cancelled);
    EXPECT_TRUE(first);
    EXPECT_TRUE(second);
}

TEST(when_all, an_unstarted_one_is_destroyed_safely) {
    auto held = std::make_shared<int>(1);
    auto hold = [](std::shared_ptr<int> p) -> task<int> { co_return *p; };
    {
        auto never = when_all(hold(held), hold(held));
        auto none_of_these = when_all(std::views::iota(0, 3) | std::views::transform([&](int) { return hold(held); }));
        EXPECT_EQ(held.use_count(), 6);
        auto moved = std::move(none_of_these);
        EXPECT_EQ(held.use_count(), 6);
    }
    EXPECT_EQ(held.use_count(), 1);
}

TEST(when_all, thousands_nest) {
    struct tree {
        static task<int> count(int depth) {
            if (depth == 0) co_return 1;
            const auto [a, b] = co_await when_all(count(depth - 1), count(depth - 1));
            co_return a + b;
        }
    };
    EXPECT_EQ(sync_wait(tree::count(14)), 1 << 14);
}

}  // namespace
