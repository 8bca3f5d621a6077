// job.kill(): a request to stop, and after kill_grace the end of the worker.

#include "support.hpp"

#include <cadre/errors.hpp>

#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;

TEST(process_kill, a_job_that_ignores_the_stop_ends_as_task_killed) {
    const executor ex = process_executor{{.workers = 1, .kill_grace = 10ms}};
    const cadre::channel<int> begun(ex, 1);
    auto job = cadre::spawn(ex.with({.name = "stubborn"}), begin_and_spin, begun);
    ASSERT_TRUE(run(receive<int>, begun));
    const pid_t worker = job.worker_pid();
    job.kill();
    job.kill();
    try {
        run(wait_for<int>, std::move(job));
        FAIL() << "did not throw";
    } catch (const cadre::task_killed& e) {
        EXPECT_EQ(e.reason(), cadre::kill_reason::requested);
        EXPECT_EQ(e.pid(), worker);
        EXPECT_NE(std::string(e.what()).find("stubborn"), std::string::npos) << e.what();
    }
    EXPECT_NE(cadre::sync_wait(cadre::on(ex, worker_pid)), worker);
    EXPECT_EQ(ex.stats().restarts, 1u);
}

TEST(process_kill, a_job_that_stops_within_the_grace_keeps_its_result) {
    const executor ex = process_executor{{.workers = 1, .kill_grace = 60s}};
    const cadre::channel<int> begun(ex, 1);
    auto job = cadre::spawn(ex, begin_and_compute_until_stopped, begun);
    ASSERT_TRUE(run(receive<int>, begun));
    job.kill();
    EXPECT_EQ(run(wait_for<int>, std::move(job)), 77);
    EXPECT_EQ(ex.stats().restarts, 0u);
}

TEST(process_kill, a_job_that_waits_for_a_worker_never_begins) {
    const executor ex = process_executor{{.workers = 1, .kill_grace = 1ms}};
    const cadre::channel<int> begun(ex, 2);
    auto holder = cadre::spawn(ex, begin_and_compute_until_stopped, begun);
    ASSERT_TRUE(run(receive<int>, begun));
    auto waiting = cadre::spawn(ex, begin_and_spin, begun);
    waiting.kill();
    EXPECT_THROW(run(wait_for<int>, std::move(waiting)), cadre::cancelled);
    holder.request_stop();
    EXPECT_EQ(run(wait_for<int>, std::move(holder)), 77);
    EXPECT_EQ(begun.size(), 0u);
    EXPECT_EQ(ex.stats().restarts, 0u);
}

// The kill may come while the call is queued, is sent, begins, or has ended.
TEST(process_kill, at_any_moment) {
    const executor ex = process_executor{{.workers = 1, .kill_grace = 1ms}};
    for (int i = 0; i < 100; ++i) {
        auto job = cadre::spawn(ex, plus_one, i);
        compute_for(std::chrono::microseconds(i * 3));
        job.kill();
        try {
            EXPECT_EQ(run(wait_for<int>, std::move(job)), i + 1);
        } catch (const cadre::cancelled&) {
        } catch (const cadre::task_killed& e) {
            EXPECT_EQ(e.reason(), cadre::kill_reason::requested);
        }
    }
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

}  // namespace
