#include "support.hpp"

#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/reduce.hpp>
#include <cadre/stop.hpp>
#include <cadre/this_task.hpp>
#include <cadre/timeout.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <ranges>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;

TEST(process_limits, a_task_that_ignores_its_time_limit_is_killed) {
    const executor ex = process_executor{{.workers = 1, .task_timeout = 50ms, .kill_grace = 50ms}};
    try {
        cadre::sync_wait(cadre::on(ex, spin_for_ever));
        FAIL() << "did not throw";
    } catch (const cadre::task_killed& e) {
        EXPECT_EQ(e.reason(), cadre::kill_reason::time_limit);
        EXPECT_GT(e.pid(), 0);
    }
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

TEST(process_limits, a_task_that_checks_for_stop_is_not_killed) {
    const executor ex = process_executor{{.workers = 1, .task_timeout = 50ms, .kill_grace = 60s}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, compute_until_stopped)), 77);
    EXPECT_EQ(ex.stats().restarts, 0u);
}

TEST(process_limits, a_suspended_task_over_its_limit_is_timed_out) {
    const executor ex = process_executor{{.workers = 1, .task_timeout = 50ms, .kill_grace = 60s}};
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex, sleep_then, 60'000, 1)), cadre::timed_out);
    EXPECT_EQ(ex.stats().restarts, 0u);
}

TEST(process_limits, waiting_in_the_queue_does_not_count) {
    const executor ex = process_executor{{.workers = 1, .task_timeout = 400ms, .kill_grace = 50ms}};
    const auto busy = [](int) {
        const auto end = std::chrono::steady_clock::now() + 100ms;
        while (std::chrono::steady_clock::now() < end) {
        }
        return 1;
    };
    std::vector<cadre::job<int>> jobs;
    for (int i = 0; i < 8; ++i)
        jobs.push_back(cadre::spawn(ex, busy, i));  // the last waits for 0.7 s
    for (auto& j : jobs)
        EXPECT_EQ(run(wait_for<int>, std::move(j)), 1);
}

int same(int x) { return x; }
task<int> reduced_in_worker(int items) {
    const executor here = co_await cadre::this_task::executor();
    co_return co_await cadre::reduce(here, same, std::plus<>{}, std::views::iota(0, items), 0, {.chunk = 5});
}

// The clock of a limit is that of a call: with a limit each item of a reduction is a call of its own.
TEST(process_limits, a_limit_of_the_executor_counts_for_each_item_of_a_reduction) {
    const executor ex = process_executor{{.workers = 1, .task_timeout = 1h}};
    const auto items = std::views::iota(0, 10);
    EXPECT_EQ(cadre::sync_wait(cadre::reduce(ex, same, std::plus<>{}, items, 0, {.chunk = 5})), 45);
    EXPECT_EQ(ex.stats().done, 10u);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, reduced_in_worker, 10)), 45);
    EXPECT_EQ(ex.stats().done, 21u);
}

TEST(process_limits, without_a_limit_a_reduction_sends_chunks) {
    const executor ex = process_executor{{.workers = 1}};
    const auto items = std::views::iota(0, 10);
    EXPECT_EQ(cadre::sync_wait(cadre::reduce(ex, same, std::plus<>{}, items, 0, {.chunk = 5})), 45);
    EXPECT_EQ(ex.stats().done, 2u);
}

TEST(process_limits, timeout_kills_what_does_not_stop) {
    const executor ex = process_executor{{.workers = 1, .kill_grace = 50ms}};
    EXPECT_THROW(cadre::sync_wait(cadre::timeout(50ms, cadre::on(ex, spin_for_ever))), cadre::timed_out);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

TEST(process_limits, a_stop_request_never_kills) {
    const executor ex = process_executor{{.workers = 1, .kill_grace = 1ms}};
    const cadre::channel<int> begun(ex, 1);
    auto job = cadre::spawn(ex, begin_and_compute_until_stopped, begun);
    ASSERT_TRUE(run(receive<int>, begun));
    job.request_stop();
    EXPECT_EQ(run(wait_for<int>, std::move(job)), 77);
    EXPECT_EQ(ex.stats().restarts, 0u);
}

#ifndef CADRE_NO_MEMORY_LIMIT
std::size_t take(std::size_t bytes) {
    std::vector<char> much(bytes, 'x');
    asm volatile("" : : "r"(much.data()) : "memory");  // compilers may omit an unused allocation
    return much.size();
}
std::size_t take_noexcept(std::size_t bytes) noexcept { return take(bytes); }

TEST(process_limits, memory_is_limited) {
    const executor ex = process_executor{{.workers = 1, .memory_limit = 64u << 20}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, take, std::size_t{1} << 20)), std::size_t{1} << 20);
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex, take, std::size_t{1} << 30)), std::bad_alloc);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    EXPECT_EQ(ex.stats().restarts, 0u);
    try {
        cadre::sync_wait(cadre::on(ex, [](std::size_t n) { return take_noexcept(n); }, std::size_t{1} << 30));
        FAIL() << "did not throw";
    } catch (const cadre::task_killed& e) {
        EXPECT_EQ(e.reason(), cadre::kill_reason::memory_limit);
    }
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}
#endif

TEST(process_limits, a_worker_is_replaced_after_its_share_of_tasks) {
    const executor ex = process_executor{{.workers = 1, .max_tasks_per_worker = 3}};
    std::vector<pid_t> pids;
    for (int i = 0; i < 9; ++i)
        pids.push_back(cadre::sync_wait(cadre::on(ex, worker_pid)));
    const std::set<pid_t> distinct(pids.begin(), pids.end());
    EXPECT_EQ(distinct.size(), 3u);
    EXPECT_EQ(ex.stats().restarts, 0u);
}

TEST(process_limits, full_isolation_loses_no_task) {
    const executor ex = process_executor{{.workers = 1, .tasks_per_worker = 1}};
    auto sleeper = cadre::spawn(ex, sleep_then, 200, 5);
    auto killer = cadre::spawn(ex, die_by_signal, SIGKILL);
    EXPECT_THROW(run(wait_for<int>, std::move(killer)), cadre::worker_crashed);
    EXPECT_EQ(run(wait_for<int>, std::move(sleeper)), 5);
}

}  // namespace
