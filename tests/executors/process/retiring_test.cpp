// Workers that have had their share of tasks: they take no more, and leave whatever becomes of their last ones.

#include "guard.hpp"
#include "support.hpp"

#include <cadre/map.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <ranges>
#include <vector>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;

task<void> spawn_and_stop(executor ex, int x) {
    auto job = cadre::spawn(ex, plus_one, x);
    job.request_stop();
    try {
        (void)co_await job;
    } catch (const cadre::cancelled&) {
    }
}

task<void> stop_every_other_call(executor ex) {
    for (int i = 0; i < 100; ++i) {
        co_await spawn_and_stop(ex, i);
        const int next = co_await cadre::on(ex, plus_one, i);
        EXPECT_EQ(next, i + 1);
    }
}

TEST(process_retiring, leaves_when_its_last_call_is_revoked) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1, .max_tasks_per_worker = 2}};
    cadre::sync_wait(stop_every_other_call(ex));
}

task<std::map<pid_t, std::size_t>> tasks_of_each(executor ex, int calls) {
    std::vector<cadre::job<pid_t>> jobs;
    for (int i = 0; i < calls; ++i)
        jobs.push_back(cadre::spawn(ex, worker_pid));
    std::map<pid_t, std::size_t> count;
    for (auto& job : jobs)
        ++count[co_await job];
    co_return count;
}

TEST(process_retiring, a_starting_worker_gets_no_more_than_its_share) {
    const hang_guard guard;
    for (const int workers : {1, 3})
        for (const std::size_t share : {1u, 3u}) {
            const executor ex = process_executor{{.workers = workers, .max_tasks_per_worker = share}};
            for (const auto& [pid, tasks] : run(tasks_of_each, ex, 40))
                EXPECT_LE(tasks, share) << workers << " workers, share " << share;
        }
}

task<int> nested(executor ex, int depth) {
    if (depth == 0) co_return 0;
    co_return 1 + co_await cadre::on(ex, nested, ex, depth - 1);
}

TEST(process_retiring, tasks_that_call_each_other_go_on) {
    const hang_guard guard;
    for (const int workers : {1, 2}) {
        const executor ex = process_executor{{.workers = workers, .max_tasks_per_worker = 1}};
        EXPECT_EQ(run(nested, ex, 5), 5);
    }
}

task<int> sum_of_map(executor ex, int n) {
    int sum = 0;
    for (const int x : co_await cadre::map(ex, plus_one, std::views::iota(0, n)))
        sum += x;
    co_return sum;
}

TEST(process_retiring, maps_inside_maps_go_on) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 2, .max_tasks_per_worker = 2}};
    const std::vector<std::tuple<executor, int>> items(20, {ex, 10});
    for (const int sum : cadre::sync_wait(cadre::map(ex, sum_of_map, items)))
        EXPECT_EQ(sum, 55);
}

}  // namespace
