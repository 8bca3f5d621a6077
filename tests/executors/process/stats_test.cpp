// Every field of executor_stats.

#include "support.hpp"

#include <cadre/as_outcome.hpp>
#include <cadre/scope.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <vector>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::executor_stats;
using cadre::process_executor;

int touch_memory(std::size_t bytes) {
    std::vector<char> all(bytes, 'x');
    return all[bytes / 2];
}

// A call leaves the registry just after its caller has been notified.
executor_stats when_idle(const executor& ex) {
    for (;;) {
        const executor_stats s = ex.stats();
        if (s.running == 0) return s;
        std::this_thread::yield();
    }
}

int fail() { throw std::runtime_error("on purpose"); }

TEST(process_stats, a_new_executor_has_run_nothing) {
    const executor ex = process_executor{{.workers = 2}};
    const executor_stats s = ex.stats();
    EXPECT_EQ(s.submitted + s.completed + s.running + s.queued + s.failed + s.retried + s.restarts, 0u);
}

TEST(process_stats, submitted_completed_failed_and_workers) {
    const executor ex = process_executor{{.workers = 2}};
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, i)), i + 1);
    for (int i = 0; i < 3; ++i)
        EXPECT_THROW(cadre::sync_wait(cadre::on(ex, fail)), std::runtime_error);
    const executor_stats s = when_idle(ex);
    EXPECT_EQ(s.submitted, 13u);
    EXPECT_EQ(s.completed, 13u);
    EXPECT_EQ(s.done, s.completed);
    EXPECT_EQ(s.failed, 3u);
    EXPECT_EQ(s.queued, 0u);
    EXPECT_EQ(s.retried, 0u);
    EXPECT_GE(s.workers, 1u);
    EXPECT_LE(s.workers, 2u);
    EXPECT_EQ(s.restarts, 0u);
}

TEST(process_stats, running_includes_queued) {
    const executor ex = process_executor{{.workers = 1}};
    const cadre::channel<int> begun(ex, 1);
    auto holder = cadre::spawn(ex, begin_and_compute_until_stopped, begun);
    ASSERT_TRUE(run(receive<int>, begun));
    std::vector<cadre::job<int>> waiting;
    for (int i = 0; i < 5; ++i)
        waiting.push_back(cadre::spawn(ex, plus_one, i));
    const executor_stats s = ex.stats();
    EXPECT_EQ(s.submitted, 6u);
    EXPECT_EQ(s.completed, 0u);
    EXPECT_EQ(s.running, 6u);
    EXPECT_EQ(s.queued, 5u);
    EXPECT_EQ(s.workers, 1u);
    holder.request_stop();
    EXPECT_EQ(run(wait_for<int>, std::move(holder)), 77);
    for (auto& j : waiting)
        run(wait_for<int>, std::move(j));
    EXPECT_EQ(when_idle(ex).queued, 0u);
    EXPECT_EQ(ex.stats().completed, 6u);
}

TEST(process_stats, retried_and_restarts_count_the_deaths) {
    const executor ex = process_executor{{.workers = 1}};
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex.with({.retries = 2}), die_by_signal, SIGKILL)), cadre::worker_crashed);
    const executor_stats s = when_idle(ex);
    EXPECT_EQ(s.submitted, 1u);
    EXPECT_EQ(s.failed, 1u);
    EXPECT_EQ(s.retried, 2u);
    EXPECT_EQ(s.restarts, 3u);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    EXPECT_EQ(ex.stats().workers, 1u);
}

TEST(process_stats, round_trips_are_counted) {
    const executor ex = process_executor{{.workers = 1}};
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, i)), i + 1);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, compute_for, 20'000us)), 0);
    const cadre::duration_histogram h = when_idle(ex).round_trips;
    EXPECT_EQ(h.count(), 21u);
    EXPECT_GE(h.percentile(100), 16ms);  // the lower bound of the bucket of 20 ms
    EXPECT_LT(h.percentile(50), h.percentile(100));
    EXPECT_GT(h.percentile(50), 0ns);
}

bool is_busy(const cadre::worker_stats& w) { return w.state == cadre::worker_activity::busy && w.running; }

// What a task has sent may arrive before the task goes on and computes.
executor_stats stats_when_one_is_busy(const executor& ex) {
    for (const auto end = std::chrono::steady_clock::now() + 20s;;) {
        executor_stats s = ex.stats();
        if (std::ranges::any_of(s.per_worker, is_busy) || std::chrono::steady_clock::now() >= end) return s;
    }
}

TEST(process_stats, what_each_worker_does) {
    const executor ex = process_executor{{.workers = 2}};
    const cadre::channel<int> begun(ex, 1);
    const auto before = std::chrono::steady_clock::now();
    auto holder = cadre::spawn(ex.with({.name = "holder"}), begin_and_compute_until_stopped, begun);
    ASSERT_TRUE(run(receive<int>, begun));
    const executor_stats s = stats_when_one_is_busy(ex);
    ASSERT_EQ(s.per_worker.size(), 2u);
    std::size_t busy = 0;
    for (const cadre::worker_stats& w : s.per_worker) {
        EXPECT_GT(w.pid, 0);
        EXPECT_GT(w.memory, 0u);
        EXPECT_GE(w.peak_memory, w.memory);
        if (!is_busy(w)) continue;
        ++busy;
        EXPECT_EQ(w.calls, 1u);
        EXPECT_EQ(w.pid, holder.worker_pid());
        ASSERT_TRUE(w.running);
        EXPECT_EQ(w.running->name, "holder");
        EXPECT_EQ(w.running->id, holder.id());
        EXPECT_GE(w.running->since, before);
        EXPECT_LE(w.running->since, std::chrono::steady_clock::now());
    }
    EXPECT_EQ(busy, 1u);
    holder.request_stop();
    EXPECT_EQ(run(wait_for<int>, std::move(holder)), 77);
    when_idle(ex);
    const auto idle = ex.stats().per_worker;
    for (const cadre::worker_stats& w : idle)
        EXPECT_FALSE(w.running);
}

TEST(process_stats, a_task_without_a_name_is_named_by_its_function) {
    const executor ex = process_executor{{.workers = 1}};
    const cadre::channel<int> begun(ex, 1);
    auto holder = cadre::spawn(ex, begin_and_compute_until_stopped, begun);
    ASSERT_TRUE(run(receive<int>, begun));
    const executor_stats s = stats_when_one_is_busy(ex);
    ASSERT_TRUE(s.per_worker.at(0).running);
    EXPECT_NE(s.per_worker[0].running->name.find("begin_and_compute_until_stopped"), std::string::npos)
        << s.per_worker[0].running->name;
    holder.request_stop();
    run(wait_for<int>, std::move(holder));
}

TEST(process_stats, the_peak_of_memory_stays) {
    const executor ex = process_executor{{.workers = 1}};
    constexpr std::size_t much = std::size_t{64} << 20;
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, touch_memory, much)), 'x');
    const executor_stats s = ex.stats();
    EXPECT_GE(s.per_worker.at(0).peak_memory, much);
    EXPECT_LT(s.per_worker[0].memory, s.per_worker[0].peak_memory);
}

}  // namespace
