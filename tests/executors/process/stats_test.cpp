// Every field of executor_stats.

#include "support.hpp"

#include <cadre/as_outcome.hpp>
#include <cadre/scope.hpp>

#include <gtest/gtest.h>

#include <csignal>
#include <stdexcept>
#include <vector>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::executor_stats;
using cadre::process_executor;

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

}  // namespace
