/// @file
/// Conformance: calls, jobs, limits and sharing on every kind. Include `conformance_kinds.hpp`.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
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
#include <cadre/async_mutex.hpp>
#include <cadre/bind_portable.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor_backend.hpp>
#include <cadre/executor_stats.hpp>
#include <cadre/job.hpp>
#include <cadre/map.hpp>
#include <cadre/on.hpp>
#include <cadre/scope.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/sleep.hpp>
#include <cadre/testing/conformance_suite.hpp>
#include <cadre/testing/conformance_work.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>

namespace cadre::conformance {

template <class Traits>
class kinds_conformance : public executor_conformance<Traits> {};
TYPED_TEST_SUITE_P(kinds_conformance);

namespace work {

using namespace std::chrono_literals;

/// The number of calls that began before this one.
inline int take_ticket(shared_value<int> next, int /*item*/) { return next.fetch_add(1); }
inline int count_and_throw(shared_value<int> calls, int /*item*/) {
    calls.fetch_add(1);
    throw std::runtime_error("always");
}
inline int take_ten_milliseconds(int item) {
    std::this_thread::sleep_for(10ms);
    return item;
}
inline void count_run(shared_value<int> runs) { runs.fetch_add(1); }
/// Occupies its worker until `open`. Returns false if that did not come.
inline bool hold_worker(shared_value<int> begun, shared_value<int> open) {
    begun.fetch_add(1);
    for (int i = 0; i < 10'000 && open.load() == 0; ++i)
        std::this_thread::sleep_for(1ms);
    return open.load() != 0;
}
/// Adds children in this order; returns the order in which they began. Where its home has one thread they share the
/// vector.
inline task<> note_begin(std::vector<int>& begun, int child) {
    begun.push_back(child);
    co_return;
}
inline task<std::vector<int>> spawn_children(int count) {
    std::vector<int> begun;
    scope s;
    for (int i = 0; i < count; ++i)
        s.spawn(note_begin(begun, i));
    co_await s.join();
    co_return begun;
}
inline task<std::vector<int>> await_children(int count) {
    std::vector<int> begun;
    std::vector<task<>> children;
    for (int i = 0; i < count; ++i)
        children.push_back(note_begin(begun, i));
    co_await when_all(std::move(children));
    co_await when_all(note_begin(begun, count), note_begin(begun, count + 1), note_begin(begun, count + 2));
    co_return begun;
}
inline task<> lock_and_unlock(async_mutex m) { auto guard = co_await m.lock(); }

}  // namespace work

namespace bodies {

using namespace std::chrono_literals;

inline task<> square_into(executor ex, std::uint64_t x, std::vector<std::uint64_t>& results) {
    const std::uint64_t squared = co_await on(ex, work::square, x);
    results.push_back(squared);
}

inline task<> children_of_the_main_task_share_variables(executor ex) {
    constexpr std::uint64_t count = 2000;
    std::vector<std::uint64_t> results;
    scope children;
    for (std::uint64_t i = 0; i < count; ++i)
        children.spawn(square_into(ex, i, results));
    co_await children.join();
    EXPECT_EQ(results.size(), count);
    EXPECT_EQ(std::accumulate(results.begin(), results.end(), std::uint64_t{0}),
              (count - 1) * count * (2 * count - 1) / 6);

    results.clear();
    std::vector<task<>> tasks;
    for (std::uint64_t i = 0; i < count; ++i)
        tasks.push_back(square_into(ex, i, results));
    (void)co_await when_all(std::move(tasks));
    EXPECT_EQ(results.size(), count);
}

inline task<> what_was_sent_is_at_home_on_its_executor(executor ex) {
    const executor by_on = co_await on(ex, work::my_executor);
    EXPECT_EQ(by_on, ex);
    auto j = spawn(ex, work::my_executor);
    const executor by_spawn = co_await j;
    EXPECT_EQ(by_spawn, ex);
    const auto by_map = co_await map(ex, [](int) { return work::my_executor(); }, std::views::iota(0, 3));
    EXPECT_TRUE(std::ranges::all_of(by_map, [&](const executor& e) { return e == ex; }));
}

inline task<> calls_begin_in_their_order(executor ex) {
    if (ex.concurrency() > 1) co_return;  // several workers begin calls at the same time
    shared_value<int> next{ex, 0};
    std::vector<job<int>> jobs;
    for (int i = 0; i < 200; ++i)
        jobs.push_back(spawn(ex, work::take_ticket, next, i));
    for (int i = 0; i < 200; ++i) {
        const int ticket = co_await jobs[static_cast<std::size_t>(i)];
        EXPECT_EQ(ticket, i);
    }
}

inline task<> a_limit_of_a_call_counts_from_its_begin(executor ex) {
    const executor limited = ex.with({.timeout = 300ms});
    std::vector<job<int>> jobs;
    for (int i = 0; i < 60; ++i)
        jobs.push_back(spawn(limited, work::take_ten_milliseconds, i));
    for (auto& j : jobs) {
        const auto o = co_await as_outcome(std::move(j));
        EXPECT_TRUE(o.has_value()) << o.what();
    }
}

inline task<> a_timeout_ends_a_queued_call_at_once(executor ex) {
    if (ex.kind() == executor_kind::serial) co_return;  // the computing function holds the timers' only thread
    shared_value<int> begun{ex, 0};
    shared_value<int> open{ex, 0};
    shared_value<int> runs{ex, 0};
    std::vector<job<bool>> holders;
    for (std::size_t i = 0; i < ex.concurrency(); ++i)
        holders.push_back(spawn(ex, work::hold_worker, begun, open));
    while (begun.load() < static_cast<int>(ex.concurrency()))
        co_await sleep_for(1ms);
    bool late = false;
    try {
        co_await timeout(20ms, on(ex, work::count_run, runs));
    } catch (const timed_out&) {
        late = true;
    }
    EXPECT_TRUE(late);
    open.store(1);
    for (auto& h : holders) {
        const bool was_held = co_await h;
        EXPECT_TRUE(was_held) << "the await ended only with the computing function";
    }
    co_await on(ex, work::nothing);
    EXPECT_EQ(runs.load(), 0);
}

inline task<> a_waiting_call_of_higher_priority_begins_first(executor ex) {
    if (ex.kind() != executor_kind::process) co_return;  // local executors begin calls in their order
    shared_value<int> begun{ex, 0};
    shared_value<int> open{ex, 0};
    shared_value<int> next{ex, 0};
    std::vector<job<bool>> holders;
    for (std::size_t i = 0; i < ex.concurrency(); ++i)
        holders.push_back(spawn(ex, work::hold_worker, begun, open));
    while (begun.load() < static_cast<int>(ex.concurrency()))
        co_await sleep_for(1ms);
    std::vector<job<int>> low;
    for (int i = 0; i < 1000; ++i)
        low.push_back(spawn(ex, work::take_ticket, next, i));
    auto high = spawn(ex.with({.priority = 1}), work::take_ticket, next, 0);
    open.store(1);
    const int ticket = co_await high;
    EXPECT_LT(ticket, 500);  // the calls that a worker holds already precede it
    (void)co_await when_all(std::move(low));
    (void)co_await when_all(std::move(holders));
}

inline task<> a_local_executor_begins_calls_in_their_order_whatever_their_priority(executor ex) {
    if (ex.backend()->remote() || ex.concurrency() > 1) co_return;
    shared_value<int> next{ex, 0};
    std::vector<job<int>> jobs;
    for (int i = 0; i < 100; ++i)
        jobs.push_back(spawn(ex.with({.priority = i}), work::take_ticket, next, i));
    for (int i = 0; i < 100; ++i) {
        const int ticket = co_await jobs[static_cast<std::size_t>(i)];
        EXPECT_EQ(ticket, i);
    }
}

inline task<> retries_never_repeat_what_threw(executor ex) {
    shared_value<int> calls{ex, 0};
    const executor persistent = ex.with({.retries = 3});
    auto by_on = co_await as_outcome(on(persistent, work::count_and_throw, calls, 0));
    EXPECT_EQ(by_on.what(), "always");
    EXPECT_EQ(calls.load(), 1);
    calls.store(0);
    auto f = bind_portable(work::count_and_throw, calls);
    const auto by_map = co_await map_outcomes(ex, f, std::views::iota(0, 10), {.retries = 3});
    EXPECT_EQ(by_map.size(), 10u);
    EXPECT_EQ(calls.load(), 10);
}

inline task<> only_worker_processes_count_failed_calls(executor ex) {
    if (ex.kind() != executor_kind::process && ex.backend()->remote()) co_return;  // an executor of several hosts
    const executor_stats before = ex.stats();
    const auto failed = co_await as_outcome(on(ex, work::fail_system));
    const auto done = co_await as_outcome(on(ex, work::add, 1, 2));
    EXPECT_FALSE(failed.has_value());
    EXPECT_TRUE(done.has_value());
    const executor_stats after = ex.stats();
    EXPECT_EQ(after.failed, before.failed + (ex.kind() == executor_kind::process ? 1 : 0));
    EXPECT_GE(after.completed, before.completed + 1);  // the last call may not have left the registry yet
}

// On a pool of several threads children begin side by side.
inline task<> children_of_one_worker_begin_in_a_known_order(executor ex) {
    if (ex.kind() == executor_kind::thread && ex.concurrency() != 1) co_return;
    std::vector<int> in_order(12);
    std::iota(in_order.begin(), in_order.end(), 0);
    const std::vector<int> at_home = co_await work::spawn_children(12);
    std::vector<int> sent = co_await on(ex, work::spawn_children, 12);
    const std::vector<int> awaited = co_await on(ex, work::await_children, 9);
    if (ex.kind() == executor_kind::thread) std::ranges::reverse(sent);
    EXPECT_EQ(at_home, in_order);
    EXPECT_EQ(sent, in_order);
    EXPECT_EQ(awaited, in_order);
}

inline task<> a_second_await_of_a_job_is_an_error(executor ex) {
    auto j = spawn(ex, work::add, 1, 2);
    const int sum = co_await j;
    EXPECT_EQ(sum, 3);
    const bool refused = co_await await_is_refused(j);
    EXPECT_TRUE(refused);
}

inline task<> a_cancelled_lock_is_not_held(executor ex) {
    async_mutex m{ex};
    {
        auto guard = co_await m.lock();
        bool late = false;
        try {
            co_await timeout(20ms, on(ex, work::lock_and_unlock, m));
        } catch (const timed_out&) {
            late = true;
        }
        EXPECT_TRUE(late);
    }
    co_await timeout(forever, on(ex, work::lock_and_unlock, m));
    auto again = m.try_lock();
    EXPECT_TRUE(again.has_value());
}

}  // namespace bodies

// Only from outside where the main task's home matters, or where the test occupies every worker.
TYPED_TEST_P(kinds_conformance, children_of_the_main_task_share_variables) {
    this->run_outside(bodies::children_of_the_main_task_share_variables);
}
TYPED_TEST_P(kinds_conformance, what_was_sent_is_at_home_on_its_executor) {
    this->run(bodies::what_was_sent_is_at_home_on_its_executor);
}
TYPED_TEST_P(kinds_conformance, calls_begin_in_their_order) { this->run_outside(bodies::calls_begin_in_their_order); }
TYPED_TEST_P(kinds_conformance, children_of_one_worker_begin_in_a_known_order) {
    this->run_outside(bodies::children_of_one_worker_begin_in_a_known_order);
}
TYPED_TEST_P(kinds_conformance, a_limit_of_a_call_counts_from_its_begin) {
    this->run(bodies::a_limit_of_a_call_counts_from_its_begin);
}
TYPED_TEST_P(kinds_conformance, a_timeout_ends_a_queued_call_at_once) {
    this->run_outside(bodies::a_timeout_ends_a_queued_call_at_once);
}
TYPED_TEST_P(kinds_conformance, a_waiting_call_of_higher_priority_begins_first) {
    this->run_outside(bodies::a_waiting_call_of_higher_priority_begins_first);
}
TYPED_TEST_P(kinds_conformance, a_local_executor_begins_calls_in_their_order_whatever_their_priority) {
    this->run_outside(bodies::a_local_executor_begins_calls_in_their_order_whatever_their_priority);
}
TYPED_TEST_P(kinds_conformance, retries_never_repeat_what_threw) { this->run(bodies::retries_never_repeat_what_threw); }
TYPED_TEST_P(kinds_conformance, only_worker_processes_count_failed_calls) {
    this->run_outside(bodies::only_worker_processes_count_failed_calls);
}
TYPED_TEST_P(kinds_conformance, a_second_await_of_a_job_is_an_error) {
    this->run(bodies::a_second_await_of_a_job_is_an_error);
}
TYPED_TEST_P(kinds_conformance, a_cancelled_lock_is_not_held) { this->run(bodies::a_cancelled_lock_is_not_held); }

}  // namespace cadre::conformance
