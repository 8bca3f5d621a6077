// generator: a lazy single-pass range; its body runs on demand, unwinds when it is abandoned, and reports its
// exceptions.
#include <cadre/generator.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <forward_list>
#include <iterator>
#include <memory>
#include <numeric>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "framework/coroutine/level_guard.hpp"

namespace {

using cadre::generator;
using cadre_test::level_guard;

static_assert(std::ranges::input_range<generator<int>>);
static_assert(std::ranges::view<generator<int>>);
static_assert(!std::ranges::forward_range<generator<int>>);
static_assert(!std::is_copy_constructible_v<generator<int>>);
static_assert(std::is_same_v<std::ranges::range_reference_t<generator<std::string>>, std::string&>);

generator<int> count_to(int n) {
    for (int i = 0; i < n; ++i)
        co_yield i;
}

TEST(generator, yields_its_elements_in_order) {
    std::vector<int> seen;
    for (const int i : count_to(4))
        seen.push_back(i);
    EXPECT_EQ(seen, (std::vector{0, 1, 2, 3}));
}

TEST(generator, may_be_empty) {
    for ([[maybe_unused]] const int i : count_to(0))
        FAIL();
}

TEST(generator, without_a_body_is_empty) {
    generator<int> none;
    for ([[maybe_unused]] const int i : none)
        FAIL();
    generator<int> some = count_to(2);
    none = std::move(some);
    EXPECT_EQ(std::ranges::distance(none), 2);
    EXPECT_EQ(some.begin(), some.end());
}

TEST(generator, computes_elements_on_demand) {
    std::vector<std::string> log;
    auto body = [&]() -> generator<int> {
        log.emplace_back("begin");
        co_yield 1;
        log.emplace_back("second");
        co_yield 2;
        log.emplace_back("end");
    };
    auto g = body();
    EXPECT_TRUE(log.empty());
    auto at = g.begin();
    EXPECT_EQ(*at, 1);
    EXPECT_EQ(log, (std::vector<std::string>{"begin"}));
    ++at;
    EXPECT_EQ(*at, 2);
    EXPECT_EQ(log.size(), 2u);
    ++at;
    EXPECT_EQ(at, g.end());
    EXPECT_EQ(log.back(), "end");
}

TEST(generator, abandoning_it_unwinds_the_body) {
    const auto token = std::make_shared<int>(0);
    auto body = [](std::shared_ptr<int> held) -> generator<int> {
        for (;;)
            co_yield ++*held;
    };
    {
        auto unstarted = body(token);
        auto infinite = body(token);
        for (const int i : infinite)
            if (i == 3) break;
        EXPECT_GT(token.use_count(), 1);
    }
    EXPECT_EQ(token.use_count(), 1);
    EXPECT_EQ(*token, 3);
}

TEST(generator, exceptions_leave_begin_and_increment) {
    auto body = [](int good) -> generator<int> {
        for (int i = 0; i < good; ++i)
            co_yield i;
        throw std::domain_error("body");
    };
    auto at_once = body(0);
    EXPECT_THROW((void)at_once.begin(), std::domain_error);
    auto later = body(1);
    auto at = later.begin();
    EXPECT_EQ(*at, 0);
    EXPECT_THROW(++at, std::domain_error);
    EXPECT_EQ(at, later.end());
}

TEST(generator, elements_may_be_move_only) {
    auto body = []() -> generator<std::unique_ptr<int>> {
        for (int i = 1; i <= 3; ++i) {
            auto element = std::make_unique<int>(i);
            co_yield element;
        }
    };
    int sum = 0;
    for (const auto& element : body())
        sum += *element;
    EXPECT_EQ(sum, 6);
}

TEST(generator, is_moved_with_its_position) {
    auto first = count_to(3);
    auto at = first.begin();
    generator<int> second = std::move(first);
    ++at;
    EXPECT_EQ(*at, 1);
    second = count_to(1);
    EXPECT_EQ(*second.begin(), 0);
}

TEST(generator, works_with_ranges) {
    auto even = count_to(10) | std::views::filter([](int i) { return i % 2 == 0; }) |
                std::views::transform([](int i) { return i * i; });
    int sum = 0;
    for (const int i : even)
        sum += i;
    EXPECT_EQ(sum, 0 + 4 + 16 + 36 + 64);
    auto g = count_to(10);
    EXPECT_EQ(*std::ranges::find(g, 7), 7);
    std::vector<int> copied;
    std::ranges::copy(count_to(5) | std::views::take(3), std::back_inserter(copied));
    EXPECT_EQ(copied, (std::vector{0, 1, 2}));
}

TEST(generator, nests) {
    struct tree {
        static generator<int> walk(int depth) {
            if (depth == 0) co_return;
            for (const int i : walk(depth - 1))
                co_yield i;
            co_yield depth;
        }
    };
    std::vector<int> seen;
    std::ranges::copy(tree::walk(5), std::back_inserter(seen));
    EXPECT_EQ(seen, (std::vector{1, 2, 3, 4, 5}));
}

generator<int> descend(int depth, int& live) {
    const level_guard guard(live);
    if (depth > 0)
        for (const int i : descend(depth - 1, live))
            co_yield i;
    co_yield depth;
}

TEST(generator, abandoning_a_recursive_one_unwinds_every_level) {
    int live = 0;
    {
        auto g = descend(100, live);
        EXPECT_EQ(*g.begin(), 0);  // of the innermost
        EXPECT_EQ(live, 101);
    }
    EXPECT_EQ(live, 0);
}

generator<int> fail_at(int depth) {
    if (depth == 0) throw std::runtime_error("innermost");
    co_yield depth;
    for (const int i : fail_at(depth - 1))
        co_yield i;
}

generator<int> recover(int depth) {
    try {
        for (const int i : fail_at(depth))
            co_yield i;
    } catch (const std::runtime_error&) {
    }
    co_yield -1;
}

TEST(generator, an_exception_rises_through_recursive_ones_and_may_be_handled_by_one) {
    std::vector<int> seen;
    std::ranges::copy(recover(3), std::back_inserter(seen));
    EXPECT_EQ(seen, (std::vector{3, 2, 1, -1}));
}

generator<std::unique_ptr<int>> pointers(int n) {
    for (int i = 0; i < n; ++i)
        co_yield std::make_unique<int>(i);
    auto last = std::make_unique<int>(n);
    co_yield last;
}

TEST(generator, elements_can_be_moved_out) {
    std::vector<std::unique_ptr<int>> all;
    for (auto&& p : pointers(3))
        all.push_back(std::move(p));
    ASSERT_EQ(all.size(), 4u);
    EXPECT_EQ(*all[2], 2);
    EXPECT_EQ(*all[3], 3);
}

generator<int&> each(std::vector<int>& values) {
    for (int& v : values)
        co_yield v;
}
generator<const std::string&> texts(const std::string& first) {
    co_yield first;
    co_yield "second";
}

TEST(generator, of_references_yields_the_objects_themselves) {
    std::vector<int> values{1, 2, 3};
    for (int& v : each(values))
        v *= 2;
    EXPECT_EQ(values, (std::vector<int>{2, 4, 6}));
    const std::string first = "first";
    std::vector<std::string> seen;
    for (const std::string& t : texts(first)) {
        if (seen.empty()) {
            EXPECT_EQ(&t, &first);
        }
        seen.push_back(t);
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"first", "second"}));
}

generator<std::string> constants(const std::string& text) { co_yield text; }

TEST(generator, a_constant_is_copied) {
    const std::string text = "constant";
    for (auto&& t : constants(text))
        t.clear();
    EXPECT_EQ(text, "constant");
}

template <class T>
generator<T> one_number() {
    co_yield 123;
}

template <class T, class Reference>
void expect_elements() {
    static_assert(std::is_same_v<std::ranges::range_reference_t<generator<T>>, Reference>);
    static_assert(std::is_same_v<std::ranges::range_value_t<generator<T>>, int>);
    int seen = 0;
    for (auto&& element :
         one_number<T>() | std::views::transform([](Reference e) -> Reference { return static_cast<Reference>(e); }))
        seen += element;
    EXPECT_EQ(seen, 123);
}

TEST(generator, the_element_type_says_how_elements_are_referred_to) {
    expect_elements<int, int&>();
    expect_elements<const int, const int&>();
    expect_elements<const int&, const int&>();
    expect_elements<int&&, int&&>();
    expect_elements<const int&&, const int&&>();
}

template <class First, class Second>
generator<char> joined(First first, Second second) {
    for (const char c : first)
        co_yield c;
    for (const char c : second)
        co_yield c;
}

TEST(generator, owns_its_arguments_unless_they_are_references) {
    std::string referred = "bar";
    auto letters = joined<std::string, generator<char>>(
        "foo", joined<const std::string&, std::vector<char>>(referred, std::vector<char>{'b', 'a', 'z'}));
    referred = "buzz";
    std::string text;
    std::ranges::copy(letters, std::back_inserter(text));
    EXPECT_EQ(text, "foobuzzbaz");
}

// The means of each `window` neighbours, of any input range.
template <class Range>
generator<const double> means(Range range, std::size_t window) {
    std::deque<double> last;
    for (const double x : range) {
        last.push_back(x);
        if (last.size() > window) last.pop_front();
        if (last.size() == window)
            co_yield std::accumulate(last.begin(), last.end(), 0.0) / static_cast<double>(window);
    }
}

TEST(generator, reads_ranges_of_every_category) {
    const std::vector<double> wanted{12, 14, 13, 11};
    const auto results = [](auto range) {
        std::vector<double> all;
        std::ranges::copy(means(std::move(range), 2), std::back_inserter(all));
        return all;
    };
    EXPECT_EQ(results(std::vector<int>{10, 14, 14, 12, 10}), wanted);
    EXPECT_EQ(results(std::forward_list<int>{10, 14, 14, 12, 10}), wanted);
    std::istringstream numbers("10 14 14 12 10");
    EXPECT_EQ(results(std::ranges::istream_view<int>(numbers)), wanted);
    EXPECT_EQ(results(means(std::vector<int>{10, 14, 14, 12, 10}, 1)), wanted);
}

}  // namespace
