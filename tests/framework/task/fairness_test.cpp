// A task whose awaits complete at once makes way at intervals: for timers, for stop requests, and for other tasks.
#include <chrono>
#include <stop_token>

#include <gtest/gtest.h>

#include <cadre/async_mutex.hpp>
#include <cadre/async_semaphore.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/resume_on.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/stream.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/this_task.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::executor;
using cadre::sync_wait;
using cadre::task;

cadre::stream<int> endless() {
    for (int i = 0;; ++i)
        co_yield i;
}

// Each loop ends when another task of the same worker has run, a timer has fired, and a limit has passed.
struct progress {
    bool other_task = false;
    bool timer = false;
    [[nodiscard]] bool complete() const { return other_task && timer && cadre::stop_requested(); }
};

task<> loop_over_mutex(executor ex, progress& p) {
    const cadre::async_mutex m{ex};
    while (!p.complete())
        auto guard = co_await m.lock();
}
task<> loop_over_semaphore(executor ex, progress& p) {
    const cadre::async_semaphore s{ex, 1};
    while (!p.complete())
        auto permit = co_await s.acquire();
}
task<> loop_over_cell(executor ex, progress& p) {
    const cadre::shared_value<int> v{ex, 0};
    while (!p.complete())
        co_await v.update([](int x) { return x + 1; });
}
task<> loop_over_sleep(executor, progress& p) {
    while (!p.complete()) {
        try {
            co_await cadre::sleep_for(0s);
        } catch (const cadre::cancelled&) {  // a loop that ignores stop requests still makes way
        }
    }
}
task<> loop_over_ready_tasks(executor, progress& p) {
    auto ready = []() -> task<> { co_return; };
    while (!p.complete())
        co_await ready();
}
task<> loop_over_a_stream(executor, progress& p) {
    auto s = endless();
    while (!p.complete())
        (void)co_await s.next();
}
task<> loop_over_limits_of_ready_tasks(executor, progress& p) {
    auto ready = []() -> task<> { co_return; };
    while (!p.complete())
        co_await cadre::timeout(1h, ready());
}
task<> loop_over_shields(executor, progress& p) {
    auto ready = []() -> task<> { co_return; };
    while (!p.complete())
        co_await cadre::shield(ready());
}
task<> loop_over_the_token_of_the_task(executor, progress& p) {
    for (bool stopped = false; !stopped || !p.complete();) {
        const std::stop_token token = co_await cadre::this_task::stop_token();
        stopped = token.stop_requested();
    }
}
task<> loop_over_the_same_home(executor ex, progress& p) {
    while (!p.complete())
        co_await cadre::resume_on(cadre::local_executor(ex));
}

using loop = task<> (*)(executor, progress&);

task<> run_beside_others(executor ex, loop f) {
    progress p;
    auto other = [](progress& seen) -> task<> {
        co_await cadre::yield();
        seen.other_task = true;
    };
    auto timer = [](progress& seen) -> task<> {
        co_await cadre::sleep_for(1ms);
        seen.timer = true;
    };
    co_await cadre::when_all(cadre::timeout(5ms, f(ex, p)), other(p), timer(p));
}

class fairness : public testing::TestWithParam<loop> {};

TEST_P(fairness, on_a_serial_loop) {
    const cadre::serial_executor ex;
    sync_wait(cadre::on(ex, [&]() -> task<> { return run_beside_others(ex, GetParam()); }));
}

TEST_P(fairness, on_a_pool_of_one_thread) {
    const cadre::thread_executor ex{{.workers = 1}};
    sync_wait(cadre::on(ex, [&]() -> task<> { return run_beside_others(ex, GetParam()); }));
}

INSTANTIATE_TEST_SUITE_P(awaits, fairness,
                         testing::Values(&loop_over_mutex, &loop_over_semaphore, &loop_over_cell, &loop_over_sleep,
                                         &loop_over_ready_tasks, &loop_over_a_stream, &loop_over_limits_of_ready_tasks,
                                         &loop_over_shields, &loop_over_the_token_of_the_task,
                                         &loop_over_the_same_home));

// A stopped task acquires free locks; the first lock that would wait ends it.
TEST(stopped_task, its_loop_of_locks_ends_at_the_first_that_would_wait) {
    const cadre::serial_executor ex;
    auto body = [&]() -> task<int> {
        const cadre::async_mutex held{ex};
        const cadre::async_mutex open{ex};
        const auto guard = co_await held.lock();
        int acquired = 0;
        auto locks = [&]() -> task<> {
            while (!cadre::stop_requested())
                co_await cadre::yield();
            for (; acquired < 100; ++acquired)
                auto free = co_await open.lock();
            auto never = co_await held.lock();
        };
        try {
            co_await cadre::timeout(1ms, locks());
        } catch (const cadre::timed_out&) {
            co_return acquired;
        }
        co_return -1;
    };
    EXPECT_EQ(sync_wait(cadre::on(ex, body)), 100);
}

}  // namespace
