// The thread executor: every item runs exactly once, however often workers park, and an idle pool uses no CPU.
#include <cadre/executors/thread.hpp>

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/detail/task/block_on.hpp>
#include <cadre/errors.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/run_blocking.hpp>
#include <cadre/scope.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/this_task.hpp>
#include <cadre/when_all.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::sync_wait;
using cadre::task;
using cadre::thread_executor;

task<int> fib(int n) {
    if (n < 2) co_return n;
    const auto [a, b] = co_await cadre::when_all(fib(n - 1), fib(n - 2));
    co_return a + b;
}

TEST(thread_pool, forks_join_on_any_number_of_workers) {
    for (const int workers : {1, 2, 3, 4, 8}) {
        const thread_executor pool{{.workers = workers}};
        for (int i = 0; i < 5; ++i)
            EXPECT_EQ(sync_wait(cadre::on(pool, fib, 20)), 6765);
    }
}

TEST(thread_pool, forks_throw_and_stop_under_stealing) {
    struct failing {
        static task<int> tree(int depth) {
            if (depth == 0) {
                co_await cadre::yield();
                throw std::runtime_error("leaf");
            }
            const auto [a, b] = co_await cadre::when_all(tree(depth - 1), tree(depth - 1));
            co_return a + b;
        }
    };
    const thread_executor pool{{.workers = 4}};
    for (int i = 0; i < 50; ++i)
        EXPECT_THROW((void)sync_wait(cadre::on(pool, failing::tree, 8)), std::runtime_error);
}

TEST(thread_pool, calls_after_any_pause_are_run) {
    const thread_executor pool{{.workers = 3}};
    for (int i = 0; i < 3'000; ++i) {
        if (i % 100 == 0) std::this_thread::sleep_for(1ms);  // all workers parked
        if (i % 7 == 0) std::this_thread::yield();
        ASSERT_EQ(sync_wait(cadre::on(pool, [i] { return i; })), i);
    }
}

TEST(thread_pool, many_threads_submit_at_once) {
    const thread_executor pool{{.workers = 2}};
    std::atomic<int> ran{0};
    {
        std::vector<std::jthread> senders;
        for (int t = 0; t < 4; ++t)
            senders.emplace_back([&] {
                for (int i = 0; i < 500; ++i)
                    sync_wait(cadre::on(pool, [&ran] { ran.fetch_add(1); }));
            });
    }
    EXPECT_EQ(ran.load(), 2000);
}

TEST(thread_pool, tasks_pass_work_to_each_other) {
    const thread_executor pool{{.workers = 4}};
    const cadre::executor ex = pool;
    struct passing {
        static task<int> on(cadre::executor ex, int n) {
            if (n == 0) co_return 0;
            co_await cadre::yield();
            if (n % 16 == 0) co_await cadre::sleep_for(20us);
            const int below = co_await cadre::on(ex, passing::on, ex, n - 1);
            co_return below + 1;
        }
    };
    std::vector<task<int>> chains;
    for (int i = 0; i < 16; ++i)
        chains.push_back(cadre::on(ex, passing::on, ex, 200));
    for (const int n : sync_wait(cadre::when_all(std::move(chains))))
        EXPECT_EQ(n, 200);
}

TEST(thread_pool, takes_any_callable_and_argument) {
    const thread_executor pool{{.workers = 2}};
    int captured = 1;
    auto owned = std::make_unique<int>(2);
    auto f = [&captured](std::unique_ptr<int> p, const int& x) { return captured + *p + x; };
    EXPECT_EQ(sync_wait(cadre::on(pool, f, std::move(owned), 3)), 6);
    auto j = cadre::spawn(pool, [&captured] { return &captured; });
    auto wait = [&]() -> task<int*> { co_return co_await j; };
    EXPECT_EQ(sync_wait(wait()), &captured);
}

TEST(thread_pool, pools_are_made_and_destroyed) {
    for (int i = 0; i < 100; ++i) {
        const thread_executor pool{{.workers = 3}};
        if (i % 2 == 0) {
            EXPECT_EQ(sync_wait(cadre::on(pool, [] { return 1; })), 1);
        }
    }
}

TEST(thread_pool, the_last_handle_may_be_dropped_inside_the_pool) {
    for (int i = 0; i < 50; ++i) {
        std::atomic<bool> go{false};
        std::atomic<bool> ran{false};
        {
            const thread_executor pool{{.workers = 2}};
            auto work = [&go, &ran]() -> task<> {
                while (!go.load())
                    co_await cadre::yield();
                ran.store(true);
                ran.notify_all();
            };
            cadre::job<void> job = cadre::spawn(pool, work);
            auto keep_working = [](cadre::job<void>) {};
            (void)keep_working;
            go.store(true);
            auto wait = [&]() -> task<> { co_await job; };
            sync_wait(wait());
        }
        EXPECT_TRUE(ran.load());
    }
}

TEST(thread_pool, a_dropped_job_ends_with_its_pool_still_alive) {
    std::atomic<bool> begun{false};
    std::atomic<bool> stopped{false};
    {
        const thread_executor pool{{.workers = 2}};
        auto work = [&begun, &stopped]() -> task<> {
            begun.store(true);
            begun.notify_all();
            try {
                co_await cadre::sleep_for(1h);
            } catch (const cadre::cancelled&) {
                stopped.store(true);
                stopped.notify_all();
                throw;
            }
        };
        {
            auto dropped = cadre::spawn(pool, work);
            begun.wait(false);
        }
    }  // without a handle the work keeps the pool alive until it has ended
    stopped.wait(false);
    EXPECT_TRUE(stopped.load());
}

TEST(thread_pool, shutdown_while_threads_submit) {
    for (int i = 0; i < 30; ++i) {
        const thread_executor pool{{.workers = 2}};
        std::atomic<int> ran{0};
        std::atomic<int> refused{0};
        {
            std::vector<std::jthread> senders;
            for (int t = 0; t < 3; ++t)
                senders.emplace_back([&] {
                    for (int n = 0; n < 50; ++n) {
                        try {
                            sync_wait(cadre::on(pool, [&ran] { ran.fetch_add(1); }));
                        } catch (const cadre::executor_stopped&) {
                            refused.fetch_add(1);
                        }
                    }
                });
            sync_wait(pool.handle().shutdown());
        }
        EXPECT_EQ(ran.load() + refused.load(), 150);
    }
}

std::chrono::nanoseconds cpu_time() {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

TEST(thread_pool, an_idle_pool_uses_no_cpu) {
    const thread_executor pool{{.workers = 4}};
    (void)sync_wait(cadre::on(pool, fib, 15));
    std::this_thread::sleep_for(100ms);  // the spin before sleep is over
    const auto before = cpu_time();
    std::this_thread::sleep_for(300ms);
    EXPECT_LT(cpu_time() - before, 60ms);
}

cadre::task<int> meet_all(std::barrier<>& everybody) {
    everybody.arrive_and_wait();
    co_return 1;
}

// Each child blocks its thread until all run: they hang if one child stays in a deque while a worker is parked.
TEST(thread_pool, every_child_of_a_fork_wakes_a_worker) {
    const thread_executor ex{{.workers = 4}};
    for (int round = 0; round < 20; ++round) {
        std::barrier<> everybody{4};
        const auto all = [&]() -> cadre::task<int> {
            auto [a, b, c, d] = co_await cadre::when_all(meet_all(everybody), meet_all(everybody), meet_all(everybody),
                                                         meet_all(everybody));
            co_return a + b + c + d;
        };
        std::this_thread::sleep_for(
            std::chrono::milliseconds(round % 2));  // from parked workers, and from polling workers
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, all)), 4);
    }
}

}  // namespace
