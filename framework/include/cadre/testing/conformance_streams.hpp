/// @file
/// Conformance: streams of results, and the tools around calls (`retry`, `shared_task`, `wait_for`), on every
/// kind of executor. A suite of its own, instantiated like that of `conformance.hpp`:
///
///     INSTANTIATE_TYPED_TEST_SUITE_P(mine, stream_conformance, mine);
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <cadre/as_outcome.hpp>
#include <cadre/bind_portable.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/job.hpp>
#include <cadre/map_stream.hpp>
#include <cadre/on.hpp>
#include <cadre/retry.hpp>
#include <cadre/scope.hpp>
#include <cadre/shared_task.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stream_of.hpp>
#include <cadre/stream_views.hpp>
#include <cadre/testing/conformance_suite.hpp>
#include <cadre/testing/conformance_work.hpp>
#include <cadre/timeout.hpp>
#include <cadre/to.hpp>
#include <cadre/wait_for.hpp>
#include <cadre/when_all.hpp>

namespace cadre::conformance {

template <class Traits>
class stream_conformance : public executor_conformance<Traits> {};
TYPED_TEST_SUITE_P(stream_conformance);

namespace work {

inline task<int> square_later(int x) {
    if (x % 3 == 0) co_await sleep_for(std::chrono::microseconds(x * 37 % 400));
    co_return x* x;
}
inline int fail_from_five(int x) {
    if (x >= 5) throw std::out_of_range(std::to_string(x));
    return x;
}
inline task<int> first_waits(channel<int> gate, int x) {
    if (x == 0) (void)co_await gate.receive();
    co_return x;
}
/// The sum of squares below `n`, by a stream inside of a task of the executor.
inline task<int> stream_inside(int n) {
    const executor ex = co_await this_task::executor();
    int sum = 0;
    auto squares = map_stream(ex, square_later, std::views::iota(0, n));
    while (const auto s = co_await squares.next())
        sum += *s;
    co_return sum;
}

}  // namespace work

namespace bodies {

using namespace std::chrono_literals;

inline task<> map_stream_goes_through_ranges_side_by_side(executor ex) {
    const std::vector<int> left{1, 2, 3, 4};
    auto unbounded = map_stream(ex, work::add, std::views::iota(10), left, {.window = 2});
    for (const int expected : {11, 13, 15, 17}) {
        const auto sum = co_await unbounded.next();
        EXPECT_TRUE(sum.has_value());
        EXPECT_EQ(sum.value_or(0), expected);
    }
    EXPECT_FALSE((co_await unbounded.next()).has_value());
    std::vector<std::unique_ptr<int>> owned;
    for (const int x : left)
        owned.push_back(std::make_unique<int>(x));
    const std::list<int> list{100, 200};
    int sum = 0;
    auto moved = map_stream(ex, [](std::unique_ptr<int> p, int a, int b) { return *p * a + b; }, std::move(owned), left,
                            list, {.ordered = false});
    while (const auto x = co_await moved.next())
        sum += *x;
    EXPECT_EQ(sum, 1 + 100 + 4 + 200);
}
inline task<> map_stream_keeps_the_order(executor ex) {
    int next = 0;
    auto plain = map_stream(ex, work::scaled{3}, std::views::iota(0, 3000));
    while (const auto x = co_await plain.next())
        EXPECT_EQ(*x, 3 * next++);
    EXPECT_EQ(next, 3000);
    next = 0;
    auto tasks = map_stream(ex, work::square_later, std::views::iota(0, 200));
    while (const auto x = co_await tasks.next()) {
        EXPECT_EQ(*x, next * next);
        ++next;
    }
    EXPECT_EQ(next, 200);
    std::vector<std::unique_ptr<int>> boxes;
    for (int i = 0; i < 50; ++i)
        boxes.push_back(std::make_unique<int>(i));
    next = 0;
    auto moved = map_stream(ex, work::next, std::move(boxes));
    while (const auto p = co_await moved.next())
        EXPECT_EQ(**p, ++next);
    EXPECT_EQ(next, 50);
    EXPECT_EQ((co_await to<std::vector>(map_stream(ex, work::nothing, std::vector<std::tuple<>>(7)))).size(), 7u);
}

inline task<> map_stream_yields_as_items_finish(executor ex) {
    const channel<int> gate{ex, 1};
    const auto waits = bind_portable(work::first_waits, gate);
    auto s = map_stream(ex, waits, std::views::iota(0, 20), {.ordered = false});
    int sum = 0;
    for (int i = 1; i < 20; ++i) {
        const auto x = co_await s.next();
        EXPECT_NE(x.value_or(0), 0);
        sum += x.value_or(0);
    }
    EXPECT_EQ(sum, 190);
    co_await gate.send(1);
    EXPECT_EQ(co_await s.next(), 0);
    EXPECT_FALSE((co_await s.next()).has_value());
}

inline task<> map_stream_takes_no_more_than_its_window(executor ex) {
    for (const std::size_t window : {1u, 2u, 5u, 64u}) {
        std::size_t read = 0;
        const auto counted = std::views::iota(0) | std::views::transform([&](int i) {
                                 ++read;
                                 return i;
                             });
        auto s = map_stream(ex, work::scaled{2}, counted, {.window = window});
        EXPECT_EQ(read, 0u);
        for (std::size_t i = 0; i < 20; ++i) {
            EXPECT_EQ(co_await s.next(), 2 * static_cast<int>(i));
            for (int turn = 0; turn < 3; ++turn)
                co_await yield();
            EXPECT_LE(read, i + 1 + window);
        }
        while (read < 20 + window)  // it goes on without its consumer
            co_await sleep_for(1ms);
    }
}

inline task<> stages_chain(executor ex) {
    auto squares = map_stream(ex, work::square_later, std::views::iota(0, 100), {.window = 8});
    auto scaled = map_stream(ex, work::scaled{10}, std::move(squares), {.window = 3});
    const auto odd = [](int x) { return x % 20 != 0; };
    const auto all = co_await to<std::vector>(std::move(scaled) | views::filter(odd) | views::take(4));
    EXPECT_EQ(all, std::vector<int>(std::initializer_list<int>{10, 90, 250, 490}));
}

inline task<> a_failure_comes_after_the_results_before_it(executor ex) {
    auto s = map_stream(ex, work::fail_from_five, std::views::iota(0));
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(co_await s.next(), i);
    const auto failed = co_await as_outcome(s.next());
    EXPECT_THROW((void)failed.value(), std::out_of_range);
    EXPECT_EQ(failed.what(), "5");
    EXPECT_FALSE((co_await s.next()).has_value());
    auto unordered = map_stream(ex, work::fail_from_five, std::views::iota(0), {.ordered = false});
    const auto all = co_await as_outcome(to<std::vector>(std::move(unordered)));
    EXPECT_THROW((void)all.value(), std::out_of_range);
}

inline task<> an_error_of_the_source_comes_after_the_results_before_it(executor ex) {
    const auto failing = std::views::iota(0) | std::views::transform([](int i) {
                             if (i == 7) throw std::domain_error("source");
                             return i;
                         });
    const auto check = [](stream<int> s) -> task<> {
        for (int i = 0; i < 7; ++i)
            EXPECT_EQ(co_await s.next(), 2 * i);
        const auto failed = co_await as_outcome(s.next());
        EXPECT_THROW((void)failed.value(), std::domain_error);
        EXPECT_FALSE((co_await s.next()).has_value());
    };
    co_await check(map_stream(ex, work::scaled{2}, failing));
    co_await check(map_stream(ex, work::scaled{2}, stream_of(failing)));
}

inline task<> a_limit_around_next_loses_no_result(executor ex) {
    const channel<int> gate{ex, 1};
    auto s = map_stream(ex, bind_portable(work::first_waits, gate), std::views::iota(0, 4));
    const auto late = co_await as_outcome(timeout(5ms, s.next()));
    EXPECT_THROW((void)late.value(), timed_out);
    co_await gate.send(1);
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(co_await s.next(), i);
}

inline task<> a_stop_passes_through_a_map_stream(executor ex) {
    const channel<std::string> events{ex, 4};
    const auto consume = [](executor e, channel<std::string> log) -> task<> {
        auto s =
            map_stream(e, work::sleep_until_stopped, std::vector{log, log}) | views::transform([](int i) { return i; });
        (void)co_await to<std::vector>(s);
    };
    const auto started = [](channel<std::string> log) -> task<> {
        for (int i = 0; i < 2; ++i)
            (void)co_await log.receive();
        throw std::domain_error("stop");  // stops the other
    };
    const auto both = co_await as_outcome(when_all(consume(ex, events), started(events)));
    EXPECT_THROW((void)both.value(), std::domain_error);
    for (int i = 0; i < 2; ++i)  // the items have ended by now
        EXPECT_EQ(events.try_receive(), "stopped");
}

inline task<> a_dropped_map_stream_stops_what_it_started(executor ex) {
    const channel<std::string> events{ex, 4};
    {
        auto s = map_stream(ex, work::sleep_until_stopped, std::vector{events, events});
        const auto late = co_await as_outcome(timeout(1ms, s.next()));
        EXPECT_THROW((void)late.value(), timed_out);
        for (int i = 0; i < 2; ++i)
            EXPECT_EQ(co_await events.receive(), "started");
    }
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(co_await events.receive(), "stopped");
}

inline task<> a_map_stream_may_be_dropped_at_any_result(executor ex) {
    for (int given = 0; given < 40; ++given) {
        const map_options options{.ordered = given % 2 == 0, .window = static_cast<std::size_t>(given % 5)};
        auto first = map_stream(ex, work::square_later, std::views::iota(0), options);
        auto s = map_stream(ex, work::scaled{2}, std::move(first), options) | views::buffer(2) | views::chunk(2);
        for (int i = 0; i < given; ++i)
            (void)co_await s.next();
    }
}

inline task<> map_stream_has_the_options_of_map(executor ex) {
    auto limited = map_stream(ex, work::sleep_forever, std::vector<std::tuple<>>(1), {.timeout = 5ms});
    const auto late = co_await as_outcome(limited.next());
    EXPECT_THROW((void)late.value(), timed_out);
    std::size_t done = 0;
    const auto count = [&](std::size_t d, std::size_t total) {
        EXPECT_GE(d, done);
        EXPECT_EQ(total, 100u);
        done = d;
    };
    (void)co_await to<std::vector>(map_stream(ex, work::scaled{1}, std::views::iota(0, 100), {.progress = count}));
    EXPECT_EQ(done, 100u);
    auto named = map_stream(ex, work::my_name, std::vector<std::tuple<>>(2), {.name = "resize"});
    EXPECT_EQ(co_await named.next(), "resize");
    const auto failing = [](std::size_t, std::size_t) { throw std::domain_error("progress"); };
    auto unlucky = map_stream(ex, work::scaled{1}, std::views::iota(0), {.progress = failing});
    const auto failed = co_await as_outcome(to<std::vector>(std::move(unlucky)));
    EXPECT_THROW((void)failed.value(), std::domain_error);
}

inline task<> tasks_stream_from_inside(executor ex) {
    const auto sums = co_await when_all(on(ex, work::stream_inside, 20), on(ex, work::stream_inside, 30));
    EXPECT_EQ(std::get<0>(sums), 2470);
    EXPECT_EQ(std::get<1>(sums), 8555);
}

inline task<> calls_are_retried_shared_and_waited_for(executor ex) {
    int calls = 0;
    const auto second_time = [&]() -> task<int> {
        ++calls;
        if (calls == 1) (void)co_await on(ex, work::fail_out_of_range, "first");
        co_return co_await on(ex, work::add, 20, 1);
    };
    const shared_task<int> shared = retry({.delay = 1ms}, second_time);
    const auto twice = [](shared_task<int> s) -> task<int> { co_return 2 * co_await s; };
    const auto both = co_await when_all(twice(shared), twice(shared));
    EXPECT_EQ(std::get<0>(both) + std::get<1>(both), 84);
    EXPECT_EQ(calls, 2);
    const channel<int> arrivals{ex, 1};
    const channel<int> gate{ex, 1};
    const job<int> j = spawn(ex, work::pass_gate, arrivals, gate, 5);
    EXPECT_FALSE(co_await wait_for(1ms, j));
    co_await gate.send(1);
    EXPECT_TRUE(co_await wait_for(forever, j));
    EXPECT_EQ(co_await j, 6);
}

}  // namespace bodies

TYPED_TEST_P(stream_conformance, map_stream_keeps_the_order) { this->run(bodies::map_stream_keeps_the_order); }
TYPED_TEST_P(stream_conformance, map_stream_goes_through_ranges_side_by_side) {
    this->run(bodies::map_stream_goes_through_ranges_side_by_side);
}
TYPED_TEST_P(stream_conformance, map_stream_yields_as_items_finish) {
    this->run(bodies::map_stream_yields_as_items_finish);
}
TYPED_TEST_P(stream_conformance, map_stream_takes_no_more_than_its_window) {
    this->run_outside(bodies::map_stream_takes_no_more_than_its_window);
}
TYPED_TEST_P(stream_conformance, stages_chain) { this->run(bodies::stages_chain); }
TYPED_TEST_P(stream_conformance, a_failure_comes_after_the_results_before_it) {
    this->run(bodies::a_failure_comes_after_the_results_before_it);
}
TYPED_TEST_P(stream_conformance, an_error_of_the_source_comes_after_the_results_before_it) {
    this->run(bodies::an_error_of_the_source_comes_after_the_results_before_it);
}
TYPED_TEST_P(stream_conformance, a_limit_around_next_loses_no_result) {
    this->run(bodies::a_limit_around_next_loses_no_result);
}
TYPED_TEST_P(stream_conformance, a_stop_passes_through_a_map_stream) {
    this->run(bodies::a_stop_passes_through_a_map_stream);
}
TYPED_TEST_P(stream_conformance, a_dropped_map_stream_stops_what_it_started) {
    this->run(bodies::a_dropped_map_stream_stops_what_it_started);
}
TYPED_TEST_P(stream_conformance, a_map_stream_may_be_dropped_at_any_result) {
    this->run(bodies::a_map_stream_may_be_dropped_at_any_result);
}
TYPED_TEST_P(stream_conformance, map_stream_has_the_options_of_map) {
    this->run(bodies::map_stream_has_the_options_of_map);
}
TYPED_TEST_P(stream_conformance, tasks_stream_from_inside) { this->run(bodies::tasks_stream_from_inside); }
TYPED_TEST_P(stream_conformance, calls_are_retried_shared_and_waited_for) {
    this->run(bodies::calls_are_retried_shared_and_waited_for);
}

REGISTER_TYPED_TEST_SUITE_P(stream_conformance, map_stream_keeps_the_order, map_stream_goes_through_ranges_side_by_side,
                            map_stream_yields_as_items_finish, map_stream_takes_no_more_than_its_window, stages_chain,
                            a_failure_comes_after_the_results_before_it,
                            an_error_of_the_source_comes_after_the_results_before_it,
                            a_limit_around_next_loses_no_result, a_stop_passes_through_a_map_stream,
                            a_dropped_map_stream_stops_what_it_started, a_map_stream_may_be_dropped_at_any_result,
                            map_stream_has_the_options_of_map, tasks_stream_from_inside,
                            calls_are_retried_shared_and_waited_for);

}  // namespace cadre::conformance
