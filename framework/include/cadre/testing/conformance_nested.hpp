/// @file
/// Conformance: tasks that use their own executor, to any depth, without deadlock. Include `conformance.hpp`.
#pragma once

#include <numeric>
#include <ranges>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <cadre/as_outcome.hpp>
#include <cadre/job.hpp>
#include <cadre/map.hpp>
#include <cadre/on.hpp>
#include <cadre/scope.hpp>
#include <cadre/testing/conformance_suite.hpp>
#include <cadre/testing/conformance_work.hpp>
#include <cadre/when_all.hpp>

namespace cadre::conformance {
namespace work {

inline task<int> descend(executor ex, int depth) {
    if (depth == 0) co_return 0;
    const int below = co_await on(ex, descend, ex, depth - 1);
    co_return below + 1;
}
/// The same with `this_task::executor`.
inline task<int> descend_here(int depth) {
    if (depth == 0) co_return 0;
    const executor ex = co_await this_task::executor();
    const int below = co_await on(ex, descend_here, depth - 1);
    co_return below + 1;
}
inline task<int> fail_at_depth(executor ex, int depth) {
    if (depth == 0) throw std::domain_error("at the bottom");
    co_return co_await on(ex, fail_at_depth, ex, depth - 1);
}
/// Both halves are separate calls: many more waiting tasks than workers.
inline task<int> fibonacci(executor ex, int n) {
    if (n < 2) co_return n;
    const auto [a, b] = co_await when_all(on(ex, fibonacci, ex, n - 1), on(ex, fibonacci, ex, n - 2));
    co_return a + b;
}
inline task<int> sum_by_jobs(executor ex, int n) {
    std::vector<job<int>> jobs;
    for (int i = 0; i < n; ++i)
        jobs.push_back(spawn(ex, add, i, 1));
    int sum = 0;
    for (job<int>& j : jobs)
        sum += co_await j;
    co_return sum;
}
inline task<std::uint64_t> sum_of_squares(executor ex, std::uint64_t n) {
    const auto squares = co_await map(ex, square, std::views::iota(std::uint64_t{0}, n));
    co_return std::accumulate(squares.begin(), squares.end(), std::uint64_t{0});
}
/// Maps nested `depth` times.
inline task<int> count_leaves(executor ex, int depth, int width) {
    if (depth == 0) co_return 1;
    const std::vector<std::tuple<executor, int, int>> below(static_cast<std::size_t>(width), {ex, depth - 1, width});
    const auto counts = co_await map(ex, count_leaves, below);
    co_return std::accumulate(counts.begin(), counts.end(), 0);
}
inline task<int> sum_in_scope(executor ex, channel<int> results, int n) {
    scope s;
    for (int i = 0; i < n; ++i)
        s.spawn(ex, pass_on, results, i);
    co_await s.join();
    int sum = 0;
    for (int i = 0; i < n; ++i)
        sum += results.try_receive().value_or(0);
    co_return sum;
}

}  // namespace work

namespace bodies {

inline task<> tasks_nest_to_any_depth(executor ex) {
    const int depth = co_await on(ex, work::descend, ex, 50);
    EXPECT_EQ(depth, 50);
    const int depth_here = co_await on(ex, work::descend_here, 50);
    EXPECT_EQ(depth_here, 50);
}

inline task<> errors_rise_through_every_level(executor ex) {
    std::string text;
    try {
        (void)co_await on(ex, work::fail_at_depth, ex, 10);
    } catch (const std::domain_error& e) {
        text = e.what();
    }
    EXPECT_EQ(text, "at the bottom");
}

inline task<> more_waiting_calls_than_workers(executor ex) {
    const int fib = co_await on(ex, work::fibonacci, ex, 11);
    EXPECT_EQ(fib, 89);
}

inline task<> tasks_spawn_from_inside(executor ex) {
    const int sum = co_await on(ex, work::sum_by_jobs, ex, 50);
    EXPECT_EQ(sum, 1275);
}

inline task<> tasks_map_from_inside(executor ex) {
    const auto sum = co_await on(ex, work::sum_of_squares, ex, 1000u);
    EXPECT_EQ(sum, 332'833'500u);
    const int leaves = co_await on(ex, work::count_leaves, ex, 3, 5);
    EXPECT_EQ(leaves, 125);
}

inline task<> tasks_open_scopes_inside(executor ex) {
    channel<int> results{ex, 64};
    const int sum = co_await on(ex, work::sum_in_scope, ex, results, 40);
    EXPECT_EQ(sum, 780);
}

inline task<> calls_from_many_tasks_at_once(executor ex) {
    std::vector<task<int>> tasks;
    for (int i = 0; i < 20; ++i)
        tasks.push_back(on(ex, work::sum_by_jobs, ex, 20));
    const std::vector<int> sums = co_await when_all(std::move(tasks));
    EXPECT_EQ(sums, std::vector<int>(20, 210));
}

}  // namespace bodies

TYPED_TEST_P(executor_conformance, tasks_nest_to_any_depth) { this->run(bodies::tasks_nest_to_any_depth); }
TYPED_TEST_P(executor_conformance, errors_rise_through_every_level) {
    this->run(bodies::errors_rise_through_every_level);
}
TYPED_TEST_P(executor_conformance, more_waiting_calls_than_workers) {
    this->run(bodies::more_waiting_calls_than_workers);
}
TYPED_TEST_P(executor_conformance, tasks_spawn_from_inside) { this->run(bodies::tasks_spawn_from_inside); }
TYPED_TEST_P(executor_conformance, tasks_map_from_inside) { this->run(bodies::tasks_map_from_inside); }
TYPED_TEST_P(executor_conformance, tasks_open_scopes_inside) { this->run(bodies::tasks_open_scopes_inside); }
TYPED_TEST_P(executor_conformance, calls_from_many_tasks_at_once) { this->run(bodies::calls_from_many_tasks_at_once); }

}  // namespace cadre::conformance
