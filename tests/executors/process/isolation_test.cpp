#include "support.hpp"

#include <cadre/as_outcome.hpp>

#include <gtest/gtest.h>

#include <csignal>
#include <exception>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;

constexpr int repetitions = 100;

// The signal reaches the worker while it takes the call, runs it, or waits.
template <class F>
void kill_the_worker_of(const executor& ex, F f) {
    for (int i = 0; i < repetitions; ++i) {
        auto job = cadre::spawn(ex, f);
        pid_t worker = 0;
        while ((worker = job.worker_pid()) == 0)
            std::this_thread::yield();
        ::kill(worker, SIGKILL);
        const auto o = cadre::sync_wait(cadre::as_outcome(std::move(job)));
        if (o.has_value()) continue;  // not claimed yet, or ended already
        try {
            std::rethrow_exception(o.error());
        } catch (const cadre::worker_crashed& e) {
            EXPECT_EQ(e.signal(), SIGKILL);
        } catch (const std::exception& e) {
            ADD_FAILURE() << "repetition " << i << ": " << e.what();
        }
    }
}

TEST(process_isolation, a_suspended_task_that_is_alone_in_its_worker_is_never_lost) {
    const executor ex = process_executor{{.workers = 1, .tasks_per_worker = 1}};
    kill_the_worker_of(ex, [] { return sleep_then(20, 1); });
}

TEST(process_isolation, a_function_whose_worker_is_killed_as_it_begins_is_never_lost) {
    kill_the_worker_of(process_executor{{.workers = 1, .tasks_per_worker = 1}}, [] { return plus_one(1); });
    kill_the_worker_of(process_executor{{.workers = 1}}, [] { return plus_one(1); });
}

cadre::task<int> wait_for_a_death(executor ex) {
    (void)co_await cadre::as_outcome(cadre::on(ex, die_by_signal, SIGKILL));
    co_return 1;
}

// The callee runs in the worker of the caller, which waits for it.
TEST(process_isolation, a_caller_that_dies_with_its_callee_is_not_lost) {
    const executor ex = process_executor{{.workers = 1, .tasks_per_worker = 1}};
    for (int i = 0; i < repetitions; ++i)
        EXPECT_THROW((void)cadre::sync_wait(cadre::on(ex, wait_for_a_death, ex)), cadre::worker_crashed);
}

cadre::task<int> wait_for_a_kill(executor ex) {
    (void)co_await cadre::as_outcome(cadre::on(ex.with({.timeout = 10ms}), spin_for_ever));
    co_return 1;
}

// The worker is killed for the limit of the callee; the caller has no limit.
TEST(process_isolation, a_caller_whose_callee_is_killed_for_its_limit_is_not_lost) {
    const executor ex = process_executor{{.workers = 1, .kill_grace = 10ms, .tasks_per_worker = 1}};
    for (int i = 0; i < 5; ++i)
        EXPECT_THROW((void)cadre::sync_wait(cadre::on(ex, wait_for_a_kill, ex)), cadre::worker_crashed);
}

}  // namespace
