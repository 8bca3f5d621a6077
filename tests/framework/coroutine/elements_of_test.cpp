// elements_of: a generator yields the elements of another one in place of its own, at any depth.
#include <cadre/generator.hpp>

#include <algorithm>
#include <ctime>
#include <iterator>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "framework/coroutine/level_guard.hpp"

namespace {

using cadre::generator;
using cadre_test::level_guard;

generator<int> count_to(int n) {
    for (int i = 0; i < n; ++i)
        co_yield i;
}

generator<int> walk(int from, int to) {
    if (to - from <= 10) {
        for (int i = from; i < to; ++i)
            co_yield i;
    } else {
        const int middle = from + (to - from) / 2;
        co_yield cadre::elements_of(walk(from, middle));
        co_yield cadre::elements_of(walk(middle, to));
    }
}

std::vector<int> all_of(generator<int> g) {
    std::vector<int> all;
    std::ranges::copy(g, std::back_inserter(all));
    return all;
}

TEST(elements_of, yields_the_elements_of_another_generator_in_their_place) {
    auto body = []() -> generator<int> {
        co_yield 100;
        co_yield cadre::elements_of(count_to(2));
        co_yield cadre::elements_of(count_to(0));
        co_yield cadre::elements_of(generator<int>());
        co_yield 200;
        co_yield cadre::elements_of(count_to(1));
    };
    EXPECT_EQ(all_of(body()), (std::vector{100, 0, 1, 200, 0}));
    auto every_tenth = [](int end) -> generator<int> {
        for (int from = 0; from < end; from += 10)
            co_yield cadre::elements_of(walk(from, from + 2));
    };
    auto tripled = every_tenth(30) | std::views::transform([](int i) { return 3 * i; });
    std::vector<int> seen;
    std::ranges::copy(tripled, std::back_inserter(seen));
    EXPECT_EQ(seen, (std::vector{0, 3, 30, 33, 60, 63}));
}

TEST(elements_of, is_recursive_and_works_with_algorithms) {
    EXPECT_TRUE(std::ranges::equal(walk(0, 100'000), std::views::iota(0, 100'000)));
    EXPECT_FALSE(std::ranges::equal(walk(5, 30), walk(5, 300)));
}

// Nested loops would take a step a level for each element: 2 * 10^8 here.
TEST(elements_of, costs_the_same_at_any_depth) {
    struct chain {
        static generator<int> down(int depth) {
            if (depth == 0)
                co_yield cadre::elements_of(count_to(20'000));
            else
                co_yield cadre::elements_of(down(depth - 1));
        }
    };
    const auto cpu_time = [] { return std::clock(); };
    const auto begin = cpu_time();
    EXPECT_EQ(std::ranges::distance(chain::down(10'000)), 20'000);
    EXPECT_LT(cpu_time() - begin, CLOCKS_PER_SEC / 2);
}

TEST(elements_of, a_generator_that_has_begun_gives_the_rest) {
    auto body = [](generator<int> begun) -> generator<int> {
        co_yield -1;
        co_yield cadre::elements_of(std::move(begun));
        co_yield -2;
    };
    auto begun = walk(0, 40);
    auto at = begun.begin();
    for (int i = 0; i < 37; ++i)
        ++at;
    EXPECT_EQ(*at, 37);
    EXPECT_EQ(all_of(body(body(std::move(begun)))), (std::vector{-1, -1, 38, 39, -2, -2}));
    auto ended = count_to(1);
    EXPECT_EQ(std::ranges::distance(ended), 1);
    EXPECT_EQ(all_of(body(std::move(ended))), (std::vector{-1, -2}));
}

generator<int> fails_below(int depth) {
    co_yield depth;
    if (depth == 0) throw std::runtime_error("innermost");
    bool failed = false;
    try {
        co_yield cadre::elements_of(fails_below(depth - 1));
    } catch (const std::runtime_error&) {
        failed = true;
    }
    if (!failed) co_return;
    co_yield -depth;
    if (depth == 1) throw std::runtime_error("next");
}

TEST(elements_of, an_exception_leaves_the_yield_and_may_be_handled_at_any_level) {
    EXPECT_EQ(all_of(fails_below(3)), (std::vector{3, 2, 1, 0, -1, -2}));
    auto unhandled = fails_below(1);
    auto at = unhandled.begin();
    EXPECT_EQ(*at, 1);
    EXPECT_EQ(*++at, 0);
    EXPECT_EQ(*++at, -1);
    EXPECT_THROW(++at, std::runtime_error);
    EXPECT_EQ(at, unhandled.end());
    auto at_once = []() -> generator<int> {
        co_yield cadre::elements_of([]() -> generator<int> {
            throw std::domain_error("before the first");
            co_yield 0;
        }());
    };
    auto fails = at_once();
    EXPECT_THROW((void)fails.begin(), std::domain_error);
}

generator<int> guarded(int depth, int& live) {
    const level_guard guard(live);
    co_yield depth;
    if (depth > 0) co_yield cadre::elements_of(guarded(depth - 1, live));
}

TEST(elements_of, abandoning_it_at_any_element_unwinds_every_level) {
    for (int taken = 1; taken <= 21; ++taken) {
        int live = 0;
        {
            auto g = guarded(20, live);
            EXPECT_EQ(live, 0);
            auto at = g.begin();
            for (int i = 1; i < taken; ++i)
                ++at;
            EXPECT_EQ(*at, 21 - taken);
            EXPECT_EQ(live, taken);
        }
        EXPECT_EQ(live, 0);
    }
}

generator<std::unique_ptr<int>> pointers(int n) {
    for (int i = 0; i <= n; ++i)
        co_yield std::make_unique<int>(i);
}

generator<int&> each(std::vector<int>& values) {
    for (int& v : values)
        co_yield v;
}

TEST(elements_of, elements_may_be_moved_out_or_be_references) {
    auto all_pointers = []() -> generator<std::unique_ptr<int>> { co_yield cadre::elements_of(pointers(2)); };
    int sum = 0;
    for (auto&& p : all_pointers()) {
        const std::unique_ptr<int> mine = std::move(p);
        sum += *mine;
    }
    EXPECT_EQ(sum, 3);
    std::vector<int> values{1, 2};
    auto twice = [](std::vector<int>& of) -> generator<int&> {
        co_yield cadre::elements_of(each(of));
        co_yield cadre::elements_of(each(of));
    };
    for (int& v : twice(values))
        v *= 3;
    EXPECT_EQ(values, (std::vector{9, 18}));
}

}  // namespace
