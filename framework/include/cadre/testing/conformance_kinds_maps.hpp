/// @file
/// Conformance: the order, the limits and the failures of maps on every kind. Include `conformance_kinds.hpp`.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/as_outcome.hpp>
#include <cadre/bind_portable.hpp>
#include <cadre/map.hpp>
#include <cadre/map_stream.hpp>
#include <cadre/outcome.hpp>
#include <cadre/reduce.hpp>
#include <cadre/shared_array.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/sleep.hpp>
#include <cadre/testing/conformance_kinds_calls.hpp>
#include <cadre/testing/conformance_suite.hpp>
#include <cadre/testing/conformance_work.hpp>

namespace cadre::conformance {
namespace work {

inline task<int> take_ticket_later(shared_value<int> next, int /*item*/) {
    const int ticket = next.fetch_add(1);
    co_await yield();
    co_return ticket;
}
/// Items 3 and 8 fail. Item 3 waits until 8 has failed, if 8 can run meanwhile.
inline int fail_in_reverse(shared_value<int> failed, int item) {
    if (item == 8) {
        failed.store(1);
        throw std::out_of_range("8");
    }
    if (item == 3) {
        for (int i = 0; i < 50 && failed.load() == 0; ++i)
            std::this_thread::sleep_for(1ms);
        throw std::invalid_argument("3");
    }
    return item;
}
inline task<int> fail_in_reverse_later(shared_value<int> failed, int item) {
    if (item == 8) {
        failed.store(1);
        throw std::out_of_range("8");
    }
    if (item == 3) {
        for (int i = 0; i < 50; ++i)
            co_await sleep_for(1ms);  // would end by `cancelled` if the failure of 8 stopped it
        throw std::invalid_argument("3");
    }
    co_return item;
}
inline int mark_and_fail_at_ten(shared_array<int> ran, int item) {
    ran[static_cast<std::size_t>(item)] = 1;
    if (item == 10) throw std::out_of_range("ten");
    return item;
}
inline task<int> mark_and_fail_at_ten_later(shared_array<int> ran, int item) {
    co_await yield();
    co_return mark_and_fail_at_ten(ran, item);
}
inline int count_and_fail_at_fifty(shared_value<std::uint64_t> calls, int item) {
    calls.fetch_add(1);
    if (item == 50) throw std::runtime_error("fifty");
    return item;
}
inline std::unique_ptr<int> boxed(int x) { return std::make_unique<int>(x); }

inline task<std::uint64_t> square_as_task(std::uint64_t x) { co_return x* x; }

}  // namespace work

namespace bodies {

/// `run(chunk)` is a map of items 0 to 11 of which 3 and 8 fail.
template <class Run>
task<> expect_the_failure_of_item_3(Run run) {
    for (const std::size_t chunk : {1u, 0u, 4u}) {
        std::string text = "none";
        try {
            co_await run(chunk);
        } catch (const std::exception& e) {
            text = e.what();
        }
        EXPECT_EQ(text, "3") << "in chunks of " << chunk;
    }
}

inline task<> map_throws_the_failure_of_the_lowest_index(executor ex) {
    co_await expect_the_failure_of_item_3([&](std::size_t chunk) -> task<> {
        shared_value<int> failed{ex, 0};
        auto f = bind_portable(work::fail_in_reverse, failed);
        (void)co_await map(ex, f, std::views::iota(0, 12), {.chunk = chunk});
    });
}

inline task<> map_of_tasks_throws_the_failure_of_the_lowest_index(executor ex) {
    co_await expect_the_failure_of_item_3([&](std::size_t chunk) -> task<> {
        shared_value<int> failed{ex, 0};
        auto f = bind_portable(work::fail_in_reverse_later, failed);
        (void)co_await map(ex, f, std::views::iota(0, 12), {.chunk = chunk});
    });
}

inline task<> reduce_throws_the_failure_of_the_lowest_index(executor ex) {
    co_await expect_the_failure_of_item_3([&](std::size_t chunk) -> task<> {
        shared_value<int> failed{ex, 0};
        auto f = bind_portable(work::fail_in_reverse, failed);
        (void)co_await reduce(ex, f, std::plus<>{}, std::views::iota(0, 12), 0, {.chunk = chunk});
    });
}

inline task<> items_below_a_failed_one_run_to_their_end(executor ex) {
    for (const std::size_t chunk : {1u, 0u}) {
        shared_array<int> ran{ex, 20};
        auto f = bind_portable(work::mark_and_fail_at_ten, ran);
        auto outcome = co_await as_outcome(map(ex, f, std::views::iota(0, 20), {.chunk = chunk}));
        EXPECT_EQ(outcome.what(), "ten");
        EXPECT_TRUE(std::all_of(ran.begin(), ran.begin() + 11, [](int r) { return r == 1; }));

        shared_array<int> ran_later{ex, 20};
        auto g = bind_portable(work::mark_and_fail_at_ten_later, ran_later);
        auto later = co_await as_outcome(map(ex, g, std::views::iota(0, 20), {.chunk = chunk}));
        EXPECT_EQ(later.what(), "ten");
        EXPECT_TRUE(std::all_of(ran_later.begin(), ran_later.begin() + 11, [](int r) { return r == 1; }));
    }
}

/// The numbers below `last`, then an exception.
inline auto numbers_that_end_badly(int last) {
    return std::views::iota(0, 20) | std::views::transform([last](int x) {
               if (x == last) throw std::logic_error("the range");
               return x;
           });
}
/// `start(f, range, chunk)` is a map or a reduction; `f` fails at item 10.
template <class Start>
task<> expect_errors_of_ranges_in_their_place(executor ex, Start start) {
    for (const std::size_t chunk : {1u, 0u, 4u}) {
        shared_array<int> ran{ex, 20};
        auto f = bind_portable(work::mark_and_fail_at_ten, ran);
        auto at_eight = co_await as_outcome(start(f, numbers_that_end_badly(8), chunk));
        EXPECT_EQ(at_eight.what(), "the range") << "in chunks of " << chunk;
        EXPECT_TRUE(std::all_of(ran.begin(), ran.begin() + 8, [](int r) { return r == 1; }))
            << "in chunks of " << chunk;
        auto at_twelve = co_await as_outcome(start(f, numbers_that_end_badly(12), chunk));
        EXPECT_EQ(at_twelve.what(), "ten") << "in chunks of " << chunk;
    }
}

inline task<> a_range_that_throws_fails_like_its_next_item(executor ex) {
    co_await expect_errors_of_ranges_in_their_place(ex, [&](auto f, auto range, std::size_t chunk) {
        return map(ex, std::move(f), std::move(range), {.chunk = chunk});
    });
    co_await expect_errors_of_ranges_in_their_place(ex, [&](auto f, auto range, std::size_t chunk) {
        return reduce(ex, std::move(f), std::plus<>{}, std::move(range), 0, {.chunk = chunk});
    });
}

inline task<> an_item_that_cannot_be_sent_fails_alone(executor ex) {
    constexpr long too_large = 1L << 40;  // for the parameter of `add_later`
    const std::vector<long> numbers{1, too_large, 3, 4, too_large};
    const std::list<long> in_a_list(numbers.begin(), numbers.end());
    const auto expect_failures = [](const std::vector<outcome<int>>& outcomes) {
        std::string text;
        for (const outcome<int>& o : outcomes)
            text += o.has_value() ? std::to_string(*o) + ' ' : "- ";
        EXPECT_EQ(text, "2 - 4 5 - ");
    };
    const auto f = bind_portable(work::add_later, 1);
    for (const std::size_t chunk : {1u, 0u, 4u}) {
        expect_failures(co_await map_outcomes(ex, f, numbers, {.chunk = chunk}));
        expect_failures(co_await map_outcomes(ex, f, in_a_list, {.chunk = chunk}));
        auto failed = co_await as_outcome(map(ex, f, numbers, {.chunk = chunk}));
        EXPECT_THROW((void)failed.value(), std::range_error);
    }
}

inline task<> a_stream_has_the_results_before_an_error_of_its_range(executor ex) {
    for (const std::size_t chunk : {1u, 0u, 4u}) {
        auto results = map_stream(ex, bind_portable(work::add_later, 1), numbers_that_end_badly(8), {.chunk = chunk});
        std::vector<int> seen;
        std::string text = "none";
        try {
            for (auto v = co_await results.next(); v; v = co_await results.next())
                seen.push_back(*v);
        } catch (const std::logic_error& e) {
            text = e.what();
        }
        EXPECT_EQ(seen, (std::vector{1, 2, 3, 4, 5, 6, 7, 8})) << "in chunks of " << chunk;
        EXPECT_EQ(text, "the range") << "in chunks of " << chunk;
    }
}

inline task<> a_failure_ends_a_map_of_any_length(executor ex) {
    constexpr int items = 1'000'000;
    shared_value<std::uint64_t> calls{ex, 0};
    auto f = bind_portable(work::count_and_fail_at_fifty, calls);
    auto long_one = co_await as_outcome(map(ex, f, std::views::iota(0, items)));
    EXPECT_EQ(long_one.what(), "fifty");
    EXPECT_LT(calls.load(), items / 2u);
    calls.store(0);
    auto endless = co_await as_outcome(map(ex, f, std::views::iota(0)));
    EXPECT_EQ(endless.what(), "fifty");
    EXPECT_LT(calls.load(), items / 2u);
}

/// Several workers begin items at the same time: there the order is exact if one item is in work.
inline map_options in_exact_order(const executor& ex) {
    map_options options;
    if (ex.concurrency() > 1) {
        options.chunk = 1;
        options.window = 1;
    }
    return options;
}

inline task<> items_begin_in_input_order(executor ex) {
    std::vector<int> in_order(300);
    std::iota(in_order.begin(), in_order.end(), 0);
    const map_options options = in_exact_order(ex);
    shared_value<int> next{ex, 0};
    const auto by_map = co_await map(ex, bind_portable(work::take_ticket, next), in_order, options);
    EXPECT_EQ(by_map, in_order);
    next.store(0);
    const auto by_map_of_numbers =
        co_await map(ex, bind_portable(work::take_ticket, next), std::views::iota(0, 300), options);
    EXPECT_EQ(by_map_of_numbers, in_order);
}

inline task<> items_of_views_and_tasks_begin_in_input_order(executor ex) {
    std::vector<int> in_order(300);
    std::iota(in_order.begin(), in_order.end(), 0);
    const map_options options = in_exact_order(ex);
    shared_value<int> next{ex, 0};
    const auto view = in_order | std::views::transform([](int i) { return i; });
    const auto by_map_of_view = co_await map(ex, bind_portable(work::take_ticket, next), view, options);
    EXPECT_EQ(by_map_of_view, in_order);
    next.store(0);
    const auto by_map_of_tasks = co_await map(ex, bind_portable(work::take_ticket_later, next), in_order, options);
    EXPECT_EQ(by_map_of_tasks, in_order);
}

inline task<> a_limit_of_an_item_counts_from_its_begin(executor ex) {
    // On one worker the last item begins after twice the limit.
    const auto outcomes =
        co_await map_outcomes(ex, work::take_ten_milliseconds, std::views::iota(0, 60), {.timeout = 300ms});
    for (const auto& o : outcomes)
        EXPECT_TRUE(o.has_value()) << o.what();
}

inline task<> map_returns_move_only_results(executor ex) {
    for (const std::size_t chunk : {0u, 1u}) {
        const auto boxes = co_await map(ex, work::boxed, std::views::iota(0, 100), {.chunk = chunk});
        EXPECT_EQ(boxes.size(), 100u);
        for (int i = 0; i < static_cast<int>(boxes.size()); ++i)
            EXPECT_EQ(*boxes[static_cast<std::size_t>(i)], i);
    }
}

inline task<> progress_is_reported_at_home(executor ex) {
    const std::thread::id home = std::this_thread::get_id();
    bool at_home = true;
    bool grows = true;
    std::size_t last = 0;
    auto note = [&](std::size_t done, std::size_t) {
        at_home = at_home && std::this_thread::get_id() == home;
        grows = grows && done > last;
        last = done;
    };
    map_options options;
    options.progress = note;
    (void)co_await map(ex, work::square, std::views::iota(0u, 1000u), options);
    EXPECT_TRUE(at_home);
    EXPECT_TRUE(grows);
    EXPECT_EQ(last, 1000u);
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{10}}) {
        last = 0;
        options.chunk = chunk;
        (void)co_await map_outcomes(ex, work::square, std::views::iota(0u, 30u), options);
        EXPECT_TRUE(grows);
        EXPECT_EQ(last, 30u);
    }
}

inline task<> map_outcomes_of_a_stopped_executor_has_an_error_for_each_item(executor ex) {
    co_await ex.shutdown();
    const auto plain = co_await map_outcomes(ex, work::square, std::views::iota(0u, 5u));
    const auto tasks = co_await map_outcomes(ex, work::square_as_task, std::views::iota(0u, 5u));
    EXPECT_EQ(plain.size(), 5u);
    EXPECT_EQ(tasks.size(), 5u);
    for (const auto* all : {&plain, &tasks})
        for (const auto& o : *all) {
            EXPECT_FALSE(o.has_value());
            EXPECT_THROW((void)o.value(), executor_stopped);
        }
}

}  // namespace bodies

TYPED_TEST_P(kinds_conformance, map_throws_the_failure_of_the_lowest_index) {
    this->run(bodies::map_throws_the_failure_of_the_lowest_index);
}
TYPED_TEST_P(kinds_conformance, map_of_tasks_throws_the_failure_of_the_lowest_index) {
    this->run(bodies::map_of_tasks_throws_the_failure_of_the_lowest_index);
}
TYPED_TEST_P(kinds_conformance, reduce_throws_the_failure_of_the_lowest_index) {
    this->run(bodies::reduce_throws_the_failure_of_the_lowest_index);
}
TYPED_TEST_P(kinds_conformance, items_below_a_failed_one_run_to_their_end) {
    this->run(bodies::items_below_a_failed_one_run_to_their_end);
}
TYPED_TEST_P(kinds_conformance, a_range_that_throws_fails_like_its_next_item) {
    this->run(bodies::a_range_that_throws_fails_like_its_next_item);
}
TYPED_TEST_P(kinds_conformance, an_item_that_cannot_be_sent_fails_alone) {
    this->run(bodies::an_item_that_cannot_be_sent_fails_alone);
}
TYPED_TEST_P(kinds_conformance, a_stream_has_the_results_before_an_error_of_its_range) {
    this->run(bodies::a_stream_has_the_results_before_an_error_of_its_range);
}
TYPED_TEST_P(kinds_conformance, a_failure_ends_a_map_of_any_length) {
    this->run(bodies::a_failure_ends_a_map_of_any_length);
}
TYPED_TEST_P(kinds_conformance, items_begin_in_input_order) { this->run(bodies::items_begin_in_input_order); }
TYPED_TEST_P(kinds_conformance, items_of_views_and_tasks_begin_in_input_order) {
    this->run(bodies::items_of_views_and_tasks_begin_in_input_order);
}
TYPED_TEST_P(kinds_conformance, a_limit_of_an_item_counts_from_its_begin) {
    this->run(bodies::a_limit_of_an_item_counts_from_its_begin);
}
TYPED_TEST_P(kinds_conformance, map_returns_move_only_results) { this->run(bodies::map_returns_move_only_results); }
TYPED_TEST_P(kinds_conformance, map_outcomes_of_a_stopped_executor_has_an_error_for_each_item) {
    this->run_outside(bodies::map_outcomes_of_a_stopped_executor_has_an_error_for_each_item);
}
TYPED_TEST_P(kinds_conformance, progress_is_reported_at_home) {
    this->run_outside(bodies::progress_is_reported_at_home);
}

}  // namespace cadre::conformance
