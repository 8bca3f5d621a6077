/// @file
/// Conformance: `map` and `map_outcomes`. Include `conformance.hpp`.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

// range-v3 is optional: its cases are left out without it.
#if __has_include(<range/v3/view/zip.hpp>)
#    define CADRE_CONFORMANCE_WITH_RANGE_V3 1
#    include <range/v3/range/conversion.hpp>
#    include <range/v3/view/chunk.hpp>
#    include <range/v3/view/enumerate.hpp>
#    include <range/v3/view/iota.hpp>
#    include <range/v3/view/transform.hpp>
#    include <range/v3/view/zip.hpp>
#endif

#include <cadre/as_outcome.hpp>
#include <cadre/bind_portable.hpp>
#include <cadre/errors.hpp>
#include <cadre/map.hpp>
#include <cadre/stop.hpp>
#include <cadre/testing/conformance_suite.hpp>
#include <cadre/testing/conformance_work.hpp>
#include <cadre/when_all.hpp>

namespace cadre::conformance {
namespace work {

inline int sum_of(const std::vector<int>& items) { return std::accumulate(items.begin(), items.end(), 0); }
inline int tuple_size(const std::tuple<int, int>& whole) { return std::get<0>(whole) * 100 + std::get<1>(whole); }
inline int fail_multiples_of_three(int x) {
    if (x % 3 == 0) throw std::invalid_argument(std::to_string(x));
    return x;
}
inline task<int> fail_at_seven_later(int x) {
    co_await yield();
    if (x == 7) throw std::invalid_argument("seven");
    co_return x;
}
/// The first item fails once all others sleep.
inline task<int> fail_first_among_sleepers(channel<int> arrivals, int others, int x) {
    if (x != 0) {
        co_await arrivals.send(x);
        co_await sleep_for(forever);
    }
    for (int i = 0; i < others; ++i)
        (void)co_await arrivals.receive();
    throw std::runtime_error("the first");
}
inline task<int> sleep_if_four(int x) {
    if (x == 4) co_await sleep_for(forever);
    co_return x;
}

}  // namespace work

namespace bodies {

inline std::vector<std::uint64_t> squares_below(std::uint64_t n) {
    std::vector<std::uint64_t> squares(n);
    for (std::uint64_t i = 0; i < n; ++i)
        squares[i] = i * i;
    return squares;
}

inline task<> map_keeps_the_order(executor ex) {
    for (const std::uint64_t size : {0u, 1u, 2u, 63u, 5000u}) {
        const auto expected = squares_below(size);
        for (const std::size_t chunk : {0u, 1u, 7u, 1000u}) {
            const auto squares =
                co_await map(ex, work::square, std::views::iota(std::uint64_t{0}, size), {.chunk = chunk});
            EXPECT_EQ(squares, expected) << size << " items in chunks of " << chunk;
        }
        const auto narrow = co_await map(ex, work::square, std::views::iota(std::uint64_t{0}, size), {.window = 1});
        EXPECT_EQ(narrow, expected) << size << " items one by one";
    }
}

inline task<> map_takes_every_kind_of_callable(executor ex) {
    const std::vector<int> numbers{1, 2, 3};
    const std::vector<int> expected{11, 12, 13};
    const auto by_binding = co_await map(ex, bind_portable(work::add, 10), numbers);
    EXPECT_EQ(by_binding, expected);
    const auto by_lambda = co_await map(ex, [](int x) { return x + 10; }, numbers);
    EXPECT_EQ(by_lambda, expected);
    const work::scaled triple{.factor = 3};
    const auto by_aggregate = co_await map(ex, triple, numbers);
    EXPECT_EQ(by_aggregate, (std::vector<int>{3, 6, 9}));
    const auto by_coroutine = co_await map(ex, bind_portable(work::add_later, 10), numbers);
    EXPECT_EQ(by_coroutine, expected);
    const auto nothing = co_await map(ex, [](int) {}, numbers);
    EXPECT_EQ(nothing.size(), 3u);
}

inline task<> map_spreads_tuples(executor ex) {
    const std::vector<std::pair<int, int>> pairs{{1, 2}, {3, 4}};
    const auto sums = co_await map(ex, work::add, pairs);
    EXPECT_EQ(sums, (std::vector<int>{3, 7}));
    const std::vector<std::tuple<std::string, int>> tuples{{"a", 2}, {"b", 3}};
    const auto texts = co_await map(ex, work::repeat, tuples);
    EXPECT_EQ(texts, (std::vector<std::string>{"aa", "bbb"}));
    const std::vector<std::tuple<int, int>> whole{{1, 2}, {3, 4}};
    const auto not_spread = co_await map(ex, work::tuple_size, whole);
    EXPECT_EQ(not_spread, (std::vector<int>{102, 304}));
}

inline task<> map_takes_any_range(executor ex) {
    const std::vector<std::size_t> expected{1, 2, 3};
    const std::vector<std::string> words{"a", "bb", "ccc"};
    const auto by_reference = co_await map(ex, work::length, words);
    EXPECT_EQ(by_reference, expected);
    const auto owned = co_await map(ex, work::length, std::list<std::string>(words.begin(), words.end()));
    EXPECT_EQ(owned, expected);
    const std::array<const char*, 3> texts{"a", "bb", "ccc"};
    const auto literals =
        co_await map(ex, work::length, texts | std::views::transform([](const char* s) { return std::string(s); }));
    EXPECT_EQ(literals, expected);
    std::istringstream text("a bb ccc");  // single pass, of unknown length
    const auto streamed = co_await map(ex, work::length, std::views::istream<std::string>(text));
    EXPECT_EQ(streamed, expected);
    const auto filtered = co_await map(ex, work::square,
                                       std::views::iota(std::uint64_t{0}, std::uint64_t{10}) |
                                           std::views::filter([](std::uint64_t x) { return x > 7; }));
    EXPECT_EQ(filtered, (std::vector<std::uint64_t>{64, 81}));
    const std::vector<bool> bits{true, false};
    const auto flipped = co_await map(ex, [](bool b) { return !b; }, bits);
    EXPECT_EQ(flipped, (std::vector<bool>{false, true}));
    const std::map<int, int> table{{1, 10}, {2, 20}};
    const auto entries = co_await map(ex, work::add, table);
    EXPECT_EQ(entries, (std::vector<int>{11, 22}));
}

// Up to the end of the shortest, which may be any of them.
inline task<> map_goes_through_ranges_side_by_side(executor ex) {
    const std::vector<int> left{1, 2, 3, 4};
    const std::vector<int> right{10, 20, 30};
    const auto sums = co_await map(ex, work::add, left, right);
    EXPECT_EQ(sums, (std::vector<int>{11, 22, 33}));
    const auto unbounded = co_await map(ex, work::add, std::views::iota(5), right, {.chunk = 2});
    EXPECT_EQ(unbounded, (std::vector<int>{15, 26, 37}));
    const std::list<int> list{100, 200};  // of unknown length, read at home
    const auto three = co_await map(
        ex, [](int a, int b, int c) { return a + b + c; }, left, right | std::views::filter([](int) { return true; }),
        list);
    EXPECT_EQ(three, (std::vector<int>{111, 222}));
    const auto four =
        co_await map(ex, [](int a, int b, int c, int d) { return a + b + c + d; }, left, right, left, right);
    EXPECT_EQ(four, (std::vector<int>{22, 44, 66}));
    std::vector<std::unique_ptr<int>> owned;
    for (const int x : left)
        owned.push_back(std::make_unique<int>(x));
    const auto moved =
        co_await map(ex, [](std::unique_ptr<int> p, int factor) { return *p * factor; }, std::move(owned), right);
    EXPECT_EQ(moved, (std::vector<int>{10, 40, 90}));
    const std::vector<int> none;
    const auto empty = co_await map(ex, work::add, none, std::views::iota(0));
    EXPECT_TRUE(empty.empty());
    const auto outcomes = co_await map_outcomes(
        ex, [](int a, int b) { return a < 3 ? a * b : throw std::out_of_range("a"); }, left, right);
    EXPECT_EQ(outcomes.at(1).value(), 40);
    EXPECT_THROW((void)outcomes.at(2).value(), std::out_of_range);
    const auto product = [](int a, int b, int c, int d) { return a * b * c * d; };
    const map_options pairs{.chunk = 2};
    const auto products = co_await map(ex, product, left, right, left, std::views::iota(1), pairs);
    EXPECT_EQ(products, (std::vector<int>{10, 160, 810}));
    const auto each = co_await map_outcomes(ex, product, left, right, list, left, pairs);
    EXPECT_EQ(each.size(), 2u);
    EXPECT_EQ(each.at(1).value(), 2 * 20 * 200 * 2);
    const auto later = co_await map(ex, work::add_later, left, std::views::iota(1), pairs);
    EXPECT_EQ(later, (std::vector<int>{2, 4, 6, 8}));
}

inline task<> map_takes_range_v3_views([[maybe_unused]] executor ex) {
#ifdef CADRE_CONFORMANCE_WITH_RANGE_V3
    const std::vector<int> left{1, 2, 3};
    const std::vector<int> right{10, 20, 30};
    const auto zipped = co_await map(ex, work::add, ranges::views::zip(left, right));
    EXPECT_EQ(zipped, (std::vector<int>{11, 22, 33}));
    const auto zipped_three =
        co_await map(ex, [](int a, int b, int c) { return a + b + c; }, ranges::views::zip(left, right, left));
    EXPECT_EQ(zipped_three, (std::vector<int>{12, 24, 36}));
    const std::vector<std::string> words{"x", "y"};
    const auto numbered = co_await map(
        ex, [](std::size_t i, std::string s) { return std::to_string(i) + s; }, ranges::views::enumerate(words));
    EXPECT_EQ(numbered, (std::vector<std::string>{"0x", "1y"}));
    const auto chunked = co_await map(ex, work::sum_of,
                                      ranges::views::ints(0, 10) | ranges::views::chunk(4) |
                                          ranges::views::transform([](auto part) { return ranges::to_vector(part); }));
    EXPECT_EQ(chunked, (std::vector<int>{6, 22, 17}));
#endif
    co_return;
}

inline task<> map_throws_its_first_failure(executor ex) {
    for (const std::size_t chunk : {0u, 1u, 16u}) {
        std::string text;
        try {
            (void)co_await map(ex, work::fail_at_seven_later, std::views::iota(0, 12), {.chunk = chunk});
        } catch (const std::invalid_argument& e) {
            text = e.what();
        }
        EXPECT_EQ(text, "seven") << "in chunks of " << chunk;
    }
    std::string text;
    try {  // all in one chunk: 3 fails before 6
        (void)co_await map(ex, work::fail_multiples_of_three, std::views::iota(1, 12), {.chunk = 16});
    } catch (const std::invalid_argument& e) {
        text = e.what();
    }
    EXPECT_EQ(text, "3");
}

inline task<> a_failing_map_stops_the_rest(executor ex) {
    constexpr int others = 5;
    channel<int> arrivals{ex, others};
    auto work_item = bind_portable(work::fail_first_among_sleepers, arrivals, others);
    std::string text;
    try {
        (void)co_await map(ex, work_item, std::views::iota(0, others + 1), {.chunk = 1, .window = others + 1});
    } catch (const std::runtime_error& e) {
        text = e.what();
    }
    EXPECT_EQ(text, "the first");
}

inline task<> map_outcomes_keeps_every_result(executor ex) {
    for (const std::size_t chunk : {0u, 1u, 5u, 64u}) {
        auto outcomes =
            co_await map_outcomes(ex, work::fail_multiples_of_three, std::views::iota(0, 50), {.chunk = chunk});
        EXPECT_EQ(outcomes.size(), 50u);
        for (int i = 0; i < static_cast<int>(outcomes.size()); ++i) {
            const auto& o = outcomes[static_cast<std::size_t>(i)];
            EXPECT_EQ(o.has_value(), i % 3 != 0) << i;
            if (o.has_value()) {
                EXPECT_EQ(*o, i);
            } else {
                EXPECT_EQ(o.what(), std::to_string(i));
            }
        }
    }
}

inline task<> map_reports_its_progress(executor ex) {
    std::size_t last = 0;
    std::size_t of = 0;
    bool rises = true;
    auto note = [&](std::size_t done, std::size_t total) {
        rises = rises && done >= last;
        last = done;
        of = total;
    };
    map_options options;
    options.progress = note;
    (void)co_await map(ex, work::square, std::views::iota(0u, 500u), options);
    EXPECT_TRUE(rises);
    EXPECT_EQ(last, 500u);
    EXPECT_EQ(of, 500u);
}

inline task<> map_limits_the_time_of_each_item(executor ex) {
    auto outcomes = co_await map_outcomes(ex, work::sleep_if_four, std::views::iota(0, 8),
                                          {.timeout = std::chrono::milliseconds(500)});
    for (int i = 0; i < 8; ++i) {
        const auto& o = outcomes[static_cast<std::size_t>(i)];
        EXPECT_EQ(o.has_value(), i != 4) << i << ": " << o.what();
    }
    bool late = false;
    try {
        (void)outcomes[4].value();
    } catch (const timed_out&) {
        late = true;
    }
    EXPECT_TRUE(late) << outcomes[4].what();
}

inline task<> map_rethrows_errors_of_its_range(executor ex) {
    auto broken = std::views::iota(0, 100) | std::views::transform([](int x) {
                      if (x == 60) throw std::logic_error("the range itself");
                      return x;
                  });
    std::string text;
    try {
        (void)co_await map(ex, bind_portable(work::add_later, 1), broken);
    } catch (const std::logic_error& e) {
        text = e.what();
    }
    EXPECT_EQ(text, "the range itself");
}

inline task<> stop_when(std::stop_source stop, channel<int> arrivals, int count) {
    for (int i = 0; i < count; ++i)
        (void)co_await arrivals.receive();
    stop.request_stop();
}
inline task<> expect_map_cancelled(executor ex, channel<int> arrivals, channel<int> gate, int count) {
    auto outcome = co_await as_outcome(
        map(ex, bind_portable(work::pass_gate, arrivals, gate), std::views::iota(0, count), {.chunk = 1}));
    EXPECT_EQ(outcome.what(), cancelled{}.what());
}

inline task<> a_stopped_map_is_cancelled(executor ex) {
    constexpr int count = 6;
    std::stop_source stop;
    channel<int> arrivals{ex, count};
    channel<int> gate{ex, 1};
    (void)co_await when_all(with_stop(stop.get_token(), expect_map_cancelled(ex, arrivals, gate, count)),
                            stop_when(stop, arrivals, 2));
}

}  // namespace bodies

TYPED_TEST_P(executor_conformance, map_keeps_the_order) { this->run(bodies::map_keeps_the_order); }
TYPED_TEST_P(executor_conformance, map_takes_every_kind_of_callable) {
    this->run(bodies::map_takes_every_kind_of_callable);
}
TYPED_TEST_P(executor_conformance, map_spreads_tuples) { this->run(bodies::map_spreads_tuples); }
TYPED_TEST_P(executor_conformance, map_takes_any_range) { this->run(bodies::map_takes_any_range); }
TYPED_TEST_P(executor_conformance, map_goes_through_ranges_side_by_side) {
    this->run(bodies::map_goes_through_ranges_side_by_side);
}
TYPED_TEST_P(executor_conformance, map_takes_range_v3_views) { this->run(bodies::map_takes_range_v3_views); }
TYPED_TEST_P(executor_conformance, map_throws_its_first_failure) { this->run(bodies::map_throws_its_first_failure); }
TYPED_TEST_P(executor_conformance, a_failing_map_stops_the_rest) { this->run(bodies::a_failing_map_stops_the_rest); }
TYPED_TEST_P(executor_conformance, map_outcomes_keeps_every_result) {
    this->run(bodies::map_outcomes_keeps_every_result);
}
TYPED_TEST_P(executor_conformance, map_reports_its_progress) { this->run(bodies::map_reports_its_progress); }
TYPED_TEST_P(executor_conformance, map_limits_the_time_of_each_item) {
    this->run(bodies::map_limits_the_time_of_each_item);
}
TYPED_TEST_P(executor_conformance, map_rethrows_errors_of_its_range) {
    this->run(bodies::map_rethrows_errors_of_its_range);
}
TYPED_TEST_P(executor_conformance, a_stopped_map_is_cancelled) { this->run(bodies::a_stopped_map_is_cancelled); }

}  // namespace cadre::conformance
