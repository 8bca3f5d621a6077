/// @file
/// Conformance: `reduce`. Include `conformance.hpp`.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <cadre/as_outcome.hpp>
#include <cadre/bind_portable.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/on.hpp>
#include <cadre/reduce.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/testing/conformance_suite.hpp>
#include <cadre/testing/conformance_work.hpp>
#include <cadre/when_all.hpp>

namespace cadre::conformance {
namespace work {

inline std::string text_of_number(int x) { return std::to_string(x) + ','; }
inline task<std::string> text_of_number_later(int x) {
    co_await yield();
    co_return text_of_number(x);
}
/// Associative, not commutative.
inline std::string join(std::string left, std::string right) { return std::move(left) + right; }
inline std::unique_ptr<int> box(int x) { return std::make_unique<int>(x); }
inline std::unique_ptr<int> add_boxes(std::unique_ptr<int> left, std::unique_ptr<int> right) {
    *left += *right;
    return left;
}
/// Counts its calls by process.
inline std::map<pid_t, int> count_combination(std::map<pid_t, int> left, std::map<pid_t, int> right) {
    for (const auto& [process, calls] : right)
        left[process] += calls;
    ++left[this_worker::pid()];
    return left;
}
inline std::map<pid_t, int> no_combination(int /*item*/) { return {}; }
inline int fail_from_seven(int x) {
    if (x >= 7) throw std::invalid_argument(std::to_string(x));
    return x;
}
inline int add_below_ten(int left, int right) {
    if (left + right >= 10) throw std::overflow_error("ten");
    return left + right;
}
inline task<std::string> join_numbers(executor ex, int n) {
    co_return co_await reduce(ex, text_of_number, join, std::views::iota(0, n), std::string());
}

}  // namespace work

namespace bodies {

inline std::string joined_numbers(int n) {
    std::string all;
    for (int i = 0; i < n; ++i)
        all += work::text_of_number(i);
    return all;
}

inline task<> reduce_combines_in_input_order(executor ex) {
    for (const int size : {0, 1, 2, 63, 1000}) {
        const std::string expected = "init " + joined_numbers(size);
        for (const std::size_t chunk : {0u, 1u, 7u, 1000u}) {
            const auto all = co_await reduce(ex, work::text_of_number, work::join, std::views::iota(0, size),
                                             std::string("init "), {.chunk = chunk});
            EXPECT_EQ(all, expected) << size << " items in chunks of " << chunk;
        }
        const auto narrow = co_await reduce(ex, work::text_of_number, work::join, std::views::iota(0, size),
                                            std::string("init "), {.window = 1});
        EXPECT_EQ(narrow, expected) << size << " items one by one";
    }
}

inline task<> reduce_takes_every_kind_of_callable(executor ex) {
    const auto later = co_await reduce(ex, work::text_of_number_later, work::join, std::views::iota(0, 50),
                                       std::string(), {.chunk = 4});
    EXPECT_EQ(later, joined_numbers(50));
    const std::vector<std::pair<int, int>> pairs{{1, 2}, {3, 4}, {5, 6}};
    const int spread = co_await reduce(ex, work::add, std::plus<>{}, pairs, 100);
    EXPECT_EQ(spread, 121);
    const long widened = co_await reduce(ex, bind_portable(work::add, 1), std::plus<>{}, std::views::iota(0, 4), 0L);
    EXPECT_EQ(widened, 10);
    const int scaled = co_await reduce(
        ex, work::scaled{.factor = 3}, [](int a, int b) { return a > b ? a : b; }, std::views::iota(0, 100), 0);
    EXPECT_EQ(scaled, 297);
}

inline task<> reduce_takes_move_only_values(executor ex) {
    const auto sum =
        co_await reduce(ex, work::box, work::add_boxes, std::views::iota(0, 100), std::make_unique<int>(50));
    EXPECT_EQ(*sum, 5000);
}

inline task<> reduce_combines_where_the_items_run(executor ex) {
    constexpr int items = 1000;
    constexpr int chunks = 20;
    auto calls = co_await reduce(ex, work::no_combination, work::count_combination, std::views::iota(0, items),
                                 std::map<pid_t, int>{}, {.chunk = items / chunks});
    int all = 0;
    for (const auto& [process, count] : calls)
        all += count;
    EXPECT_EQ(all, items);
    if (ex.backend()->remote()) {
        EXPECT_EQ(calls[::getpid()], chunks);
    }
}

inline task<> reduce_throws_its_first_failure(executor ex) {
    for (const std::size_t chunk : {1u, 16u}) {
        auto failed = co_await as_outcome(reduce(ex, work::fail_from_seven, std::plus<>{}, std::views::iota(0, 12), 0,
                                                 {.chunk = chunk, .window = 1}));
        EXPECT_EQ(failed.what(), std::string("7")) << "in chunks of " << chunk;
    }
    auto endless = co_await as_outcome(reduce(ex, work::fail_from_seven, std::plus<>{}, std::views::iota(0), 0));
    EXPECT_FALSE(endless.has_value());
    for (const std::size_t chunk : {1u, 16u}) {
        auto by_op = co_await as_outcome(
            reduce(ex, [](int x) { return x; }, work::add_below_ten, std::views::iota(1, 12), 0, {.chunk = chunk}));
        EXPECT_EQ(by_op.what(), std::string("ten")) << "in chunks of " << chunk;
    }
    auto broken = std::views::iota(0, 100) | std::views::transform([](int x) {
                      if (x == 60) throw std::logic_error("the range itself");
                      return x;
                  });
    auto by_range = co_await as_outcome(reduce(ex, bind_portable(work::add_later, 1), std::plus<>{}, broken, 0));
    EXPECT_EQ(by_range.what(), std::string("the range itself"));
}

inline task<> expect_reduce_cancelled(executor ex, channel<int> arrivals, channel<int> gate) {
    auto outcome = co_await as_outcome(reduce(ex, bind_portable(work::pass_gate, arrivals, gate), std::plus<>{},
                                              std::views::iota(0, 6), 0, {.chunk = 1}));
    EXPECT_EQ(outcome.what(), std::string(cancelled{}.what()));
}
inline task<> a_stopped_reduce_is_cancelled(executor ex) {
    std::stop_source stop;
    channel<int> arrivals{ex, 6};
    channel<int> gate{ex, 1};
    const auto stop_after_two = [](std::stop_source source, channel<int> from) -> task<> {
        for (int i = 0; i < 2; ++i)
            (void)co_await from.receive();
        source.request_stop();
    };
    (void)co_await when_all(with_stop(stop.get_token(), expect_reduce_cancelled(ex, arrivals, gate)),
                            stop_after_two(stop, arrivals));
}

inline task<> tasks_reduce_from_inside(executor ex) {
    const std::string all = co_await on(ex, work::join_numbers, ex, 300);
    EXPECT_EQ(all, joined_numbers(300));
}

// All items together take longer than the limit.
inline task<> a_limit_of_reduce_is_that_of_an_item(executor ex) {
    const auto nap = [](int x) -> task<int> {
        co_await sleep_for(std::chrono::milliseconds(50));
        co_return x;
    };
    map_options options{.chunk = 40, .timeout = std::chrono::seconds(1)};
    const int sum = co_await reduce(ex, nap, std::plus<>{}, std::views::iota(0, 40), 0, options);
    EXPECT_EQ(sum, 780);
    const auto sleeps_at_three = [](int x) -> task<int> {
        if (x == 3) co_await sleep_for(std::chrono::hours(1));
        co_return x;
    };
    options.timeout = std::chrono::milliseconds(20);
    const auto late =
        co_await as_outcome(reduce(ex, sleeps_at_three, std::plus<>{}, std::views::iota(0, 10), 0, options));
    EXPECT_THROW(late.value(), timed_out);
}

inline task<> reduce_reports_its_progress(executor ex) {
    std::size_t last = 0;
    auto note = [&](std::size_t done, std::size_t total) {
        EXPECT_GE(done, last);
        EXPECT_EQ(total, 500u);
        last = done;
    };
    map_options options;
    options.progress = note;
    const int sum =
        co_await reduce(ex, bind_portable(work::add, 0), std::plus<>{}, std::views::iota(0, 500), 0, options);
    EXPECT_EQ(sum, 124'750);
    EXPECT_EQ(last, 500u);
}

}  // namespace bodies

TYPED_TEST_P(executor_conformance, reduce_combines_in_input_order) {
    this->run(bodies::reduce_combines_in_input_order);
}
TYPED_TEST_P(executor_conformance, reduce_takes_every_kind_of_callable) {
    this->run(bodies::reduce_takes_every_kind_of_callable);
}
TYPED_TEST_P(executor_conformance, reduce_takes_move_only_values) { this->run(bodies::reduce_takes_move_only_values); }
TYPED_TEST_P(executor_conformance, reduce_combines_where_the_items_run) {
    this->run(bodies::reduce_combines_where_the_items_run);
}
TYPED_TEST_P(executor_conformance, reduce_throws_its_first_failure) {
    this->run(bodies::reduce_throws_its_first_failure);
}
TYPED_TEST_P(executor_conformance, a_stopped_reduce_is_cancelled) { this->run(bodies::a_stopped_reduce_is_cancelled); }
TYPED_TEST_P(executor_conformance, tasks_reduce_from_inside) { this->run(bodies::tasks_reduce_from_inside); }
TYPED_TEST_P(executor_conformance, a_limit_of_reduce_is_that_of_an_item) {
    this->run(bodies::a_limit_of_reduce_is_that_of_an_item);
}
TYPED_TEST_P(executor_conformance, reduce_reports_its_progress) { this->run(bodies::reduce_reports_its_progress); }

}  // namespace cadre::conformance
