// Programs that hung once: each depends on a wake-up that somebody has to give, or on a wait that nobody may do.

#include "guard.hpp"
#include "support.hpp"

#include <cadre/channel.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/when_all.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;
using std::chrono::steady_clock;

template <class R>
task<R> get(cadre::job<R> job) {
    co_return co_await job;
}

int compute_for(std::chrono::milliseconds d) {
    const auto end = steady_clock::now() + d;
    while (steady_clock::now() < end)
        asm volatile("");
    return 0;
}

task<int> call_and_wait(executor ex, cadre::shared_value<int> arrived, cadre::channel<int> gate, int x) {
    const int y = co_await cadre::on(ex, plus_one, x);
    arrived.fetch_add(1);
    (void)co_await gate.receive();
    co_return y;
}

// More replies than their ring holds come back to workers that compute; when they have room again somebody must look.
task<void> many_replies_to_busy_workers(executor ex) {
    constexpr int members = 800;
    const cadre::shared_value<int> arrived(ex, 0);
    const cadre::channel<int> gate(ex, 1);
    std::vector<cadre::job<int>> jobs;
    for (int i = 0; i < members; ++i) {
        jobs.push_back(cadre::spawn(ex, call_and_wait, ex, arrived, gate, i));
        if (i % 150 == 149) jobs.push_back(cadre::spawn(ex, compute_for, 60ms));
    }
    while (arrived.load() != members)
        co_await cadre::sleep_for(1ms);
    gate.close();
    for (auto& job : jobs)
        (void)co_await job;
}

TEST(process_regression, nested_replies_reach_a_worker_that_was_busy) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 2}};
    cadre::sync_wait(many_replies_to_busy_workers(ex));
}

TEST(process_regression, a_job_that_ends_in_a_poll_may_hold_the_last_handle) {
    const hang_guard guard;
    for (int i = 0; i < 20; ++i) {
        auto job = cadre::spawn(executor(process_executor{{.workers = 1}}), plus_one, i);
        EXPECT_EQ(run(get<int>, std::move(job)), i + 1);
    }
}

TEST(process_regression, a_job_that_ends_on_the_executors_own_thread_may_hold_the_last_handle) {
    const hang_guard guard;
    for (int i = 0; i < 20; ++i) {
        auto job = cadre::spawn(executor(process_executor{{.workers = 1}}), plus_one, i);
        while (!job.ready())
            std::this_thread::sleep_for(1ms);  // nobody drives a loop meanwhile
        EXPECT_EQ(run(get<int>, std::move(job)), i + 1);
    }
}

TEST(process_regression, jobs_that_are_dropped_may_hold_the_last_handle) {
    const hang_guard guard;
    for (int i = 0; i < 20; ++i)
        (void)cadre::spawn(executor(process_executor{{.workers = 1}}), sleep_then, i % 3, i);
}

task<int> make_and_use(int rounds) {
    co_await cadre::sleep_for(20ms);  // most likely the main thread's loop sleeps by then
    const executor ex = process_executor{{.workers = 2}};
    int sum = 0;
    for (int i = 0; i < rounds; ++i) {
        const auto [a, b] = co_await cadre::when_all(cadre::on(ex, plus_one, i), cadre::on(ex, plus_one, i));
        sum += a + b;
    }
    co_return sum;
}

// The first process executor of a program brings the descriptor with it that its workers ring.
TEST(process_regression, an_executor_may_be_made_while_the_loop_sleeps) {
    const hang_guard guard;
    const cadre::thread_executor pool{{.workers = 1}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(pool, make_and_use, 3)), 2 * (1 + 2 + 3));
}

int wait_until(cadre::shared_value<int> v, int least) {
    while (v.load() < least)
        asm volatile("");
    return least;
}

task<void> second_depends_on_first(executor ex, std::promise<void>* done) {
    for (int round = 1; round <= 20; ++round) {
        const cadre::shared_value<int> v(ex, 0);
        for (int i = 0; i < 100; ++i)
            (void)co_await cadre::on(ex, wait_until, v, 0);  // known to be quick
        auto before = cadre::spawn(ex, compute_for, 5ms);  // the next two lie in the ring together
        auto first = cadre::spawn(ex, wait_until, v, 0);
        auto second = cadre::spawn(ex, wait_until, v, round);
        (void)co_await first;
        v.store(round);
        (void)co_await second;
        (void)co_await before;
    }
    done->set_value();
}

// No loop looks for results here, and the worker does not come to look whether they were heard of.
TEST(process_regression, a_result_is_heard_of_although_its_worker_goes_on_computing) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1}};
    const cadre::thread_executor pool{{.workers = 1}};
    std::promise<void> done;
    auto job = cadre::spawn(pool, second_depends_on_first, ex, &done);
    done.get_future().wait();
    run(get<void>, std::move(job));
}

}  // namespace
