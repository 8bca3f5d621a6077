// A call that was sent behind a long task does not wait for its end while the tasks of another worker only wait.

#include "guard.hpp"
#include "support.hpp"

#include <cadre/channel.hpp>
#include <cadre/job.hpp>

#include <utility>

#include <gtest/gtest.h>

#include <unistd.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;

int compute_until_released(cadre::channel<int> started, cadre::channel<int> release) {
    (void)started.try_send(::getpid());
    while (!release.try_receive())
        compute_for(1ms);
    return 1;
}

task<int> wait_for_computation(executor ex, cadre::channel<int> started, cadre::channel<int> release) {
    co_return co_await cadre::on(ex, compute_until_released, started, release);
}

// One worker computes, the task of the other one waits for it, and the calls that follow are what ends both.
task<void> calls_beside(executor ex, bool& in_different_workers) {
    const cadre::channel<int> started(ex, 1);
    const cadre::channel<int> release(ex, 1);
    auto caller = cadre::spawn(ex, wait_for_computation, ex, started, release);
    in_different_workers = co_await started.receive() != caller.worker_pid();
    for (int i = 0; i < 4 && in_different_workers; ++i)
        EXPECT_EQ(co_await cadre::on(ex, plus_one, i), i + 1);
    (void)release.try_send(1);
    EXPECT_EQ(co_await std::move(caller), 1);
}

TEST(process_placement, sends_no_call_behind_a_task_for_ever_while_another_worker_waits) {
    const hang_guard guard;
    // While the second worker starts, the first one may get both tasks.
    for (bool in_different_workers = false; !in_different_workers;) {
        const executor ex = process_executor{{.workers = 2}};
        cadre::sync_wait(calls_beside(ex, in_different_workers));
    }
}

}  // namespace
