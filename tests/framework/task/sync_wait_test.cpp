// sync_wait and the threads in it: each gets its own result; together they drive all serial executors.
#include "no_free_descriptors.hpp"

#include <cadre/sync_wait.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/as_outcome.hpp>
#include <cadre/async_event.hpp>
#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/detail/task/block_on.hpp>
#include <cadre/errors.hpp>
#include <cadre/executor.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/run_blocking.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/task.hpp>
#include <cadre/when_all.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::executor;
using cadre::sync_wait;
using cadre::task;

executor new_loop() { return executor(cadre::detail::run_loop::make("test")); }

template <class F>
void on_threads(int count, F f) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < count; ++i)
        threads.emplace_back([&f, i] { f(i); });
}

TEST(sync_wait, inside_a_task_it_is_refused) {
    auto body = []() -> task<> {
        auto inner = []() -> task<int> { co_return 1; };
        EXPECT_THROW((void)sync_wait(inner()), std::logic_error);
        co_return;
    };
    sync_wait(body());
}

TEST(sync_wait, an_error_leaves_it_usable) {
    auto fail = []() -> task<int> {
        co_await cadre::yield();
        throw std::runtime_error("x");
    };
    for (int i = 0; i < 3; ++i)
        EXPECT_THROW((void)sync_wait(fail()), std::runtime_error);
    sync_wait(cadre::sleep_for(1ms));
}

TEST(sync_wait, many_threads_wait_each_for_its_own) {
    on_threads(6, [](int me) {
        for (int i = 0; i < 300; ++i) {
            auto body = [](int x) -> task<int> {
                co_await cadre::yield();
                if (x % 50 == 0) co_await cadre::sleep_for(100us);
                co_return x;
            };
            EXPECT_EQ(sync_wait(body(me * 1000 + i)), me * 1000 + i);
        }
    });
}

TEST(sync_wait, one_serial_executor_runs_one_task_at_a_time) {
    const executor loop = new_loop();
    static std::atomic<int> inside;
    static int count;
    inside = 0;
    count = 0;
    on_threads(4, [&](int) {
        auto body = [](executor ex) -> task<> {
            for (int i = 0; i < 500; ++i)
                co_await cadre::on(ex, [] {
                    EXPECT_EQ(inside.fetch_add(1), 0);
                    ++count;
                    inside.fetch_sub(1);
                });
        };
        sync_wait(body(loop));
    });
    EXPECT_EQ(count, 2000);
}

TEST(sync_wait, who_stays_takes_over_what_the_others_drove) {
    const executor loop = new_loop();
    std::atomic<bool> over{false};
    std::jthread passers_by([&] {
        while (!over.load())
            sync_wait(cadre::yield());
    });
    // Its timer and its wakes are on a loop that now this thread and now the other one drives.
    auto body = []() -> task<int> {
        int turns = 0;
        for (int i = 0; i < 100; ++i) {
            co_await cadre::sleep_for(50us);
            ++turns;
        }
        co_return turns;
    };
    EXPECT_EQ(sync_wait(cadre::on(loop, [] { return 1; })), 1);
    EXPECT_EQ(cadre::detail::block_on(loop.backend(), nullptr, body()), 100);
    over.store(true);
}

TEST(sync_wait, work_given_from_other_threads_wakes_a_sleeping_loop) {
    const executor loop = new_loop();
    for (int i = 0; i < 200; ++i) {
        std::optional<cadre::job<int>> job;
        std::atomic<bool> given{false};
        std::jthread giver([&] {
            job.emplace(cadre::spawn(loop, [](int x) { return x + 1; }, i));
            given.store(true);
        });
        auto body = [&]() -> task<int> {
            while (!given.load())
                co_await cadre::sleep_for(20us);
            co_return co_await *job;
        };
        EXPECT_EQ(sync_wait(body()), i + 1);
    }
}

TEST(sync_wait, a_loop_may_be_dropped_by_its_own_task) {
    for (int i = 0; i < 100; ++i) {
        auto body = []() -> task<int> {
            const executor loop = new_loop();
            co_return co_await cadre::on(loop, [](int x) { return x; }, 3);
        };
        EXPECT_EQ(sync_wait(body()), 3);
    }
}

TEST(run_blocking, does_not_block_the_loop) {
    std::atomic<bool> go{false};
    auto block = [&] {
        go.wait(false);  // until the loop, meanwhile, has run something else
        return std::this_thread::get_id();
    };
    auto open = [&]() -> task<> {
        co_await cadre::yield();
        go.store(true);
        go.notify_all();
    };
    auto body = [&]() -> task<> {
        const auto here = std::this_thread::get_id();
        auto [there, none] = co_await cadre::when_all(cadre::run_blocking(block), open());
        EXPECT_NE(there, here);
        EXPECT_EQ(std::this_thread::get_id(), here);
    };
    sync_wait(body());
}

TEST(run_blocking, sync_wait_works_in_it) {
    std::stop_source stop;
    auto body = [&]() -> task<> {
        const int answer = co_await cadre::run_blocking([] {
            auto inner = []() -> task<int> {
                co_await cadre::sleep_for(1ms);
                co_return 5;
            };
            return sync_wait(inner()) + sync_wait(inner());
        });
        EXPECT_EQ(answer, 10);
        stop.request_stop();
    };
    auto stopped = [&]() -> task<> { co_await cadre::run_blocking([] { sync_wait(cadre::sleep_for(1h)); }); };
    auto both = [&]() -> task<> {
        const auto [done, ended] =
            co_await cadre::when_all(body(), cadre::as_outcome(cadre::with_stop(stop.get_token(), stopped())));
        EXPECT_THROW(ended.value(), cadre::cancelled);
    };
    sync_wait(both());
}

TEST(run_blocking, passes_errors_and_takes_anything) {
    auto held = std::make_unique<int>(4);
    EXPECT_EQ(sync_wait(cadre::run_blocking([p = std::move(held)](int x) { return *p + x; }, 1)), 5);
    EXPECT_THROW(sync_wait(cadre::run_blocking([] { throw std::runtime_error("x"); })), std::runtime_error);
}

// Another driver runs an item of the loop when a thread reserves the loop for its main task.
TEST(sync_wait, a_reserved_loop_runs_on_the_thread_that_reserved_it_only) {
    const cadre::serial_executor shared;
    const cadre::async_event done{shared};
    std::atomic<bool> busy{false};
    std::atomic<bool> leave{false};
    const auto hold_the_loop = [&] {
        busy.store(true);
        while (!leave.load())
            std::this_thread::yield();
    };
    const auto call_and_wait = [&]() -> task<> {
        co_await cadre::on(shared, hold_the_loop);
        co_await done.wait();
    };
    std::thread other([&] { sync_wait(call_and_wait()); });
    while (!busy.load())
        std::this_thread::yield();

    std::thread release([&] {
        std::this_thread::sleep_for(20ms);  // so that the loop is reserved by then
        leave.store(true);
    });
    const auto here = std::this_thread::get_id();
    bool moved = false;
    const auto main_task = [&]() -> task<> {
        for (int i = 0; i != 1000; ++i) {
            moved |= std::this_thread::get_id() != here;
            co_await cadre::yield();
        }
        done.set();
    };
    cadre::detail::block_on(shared.handle().backend(), nullptr, main_task());
    EXPECT_FALSE(moved);
    release.join();
    other.join();
}

// It has nothing to sleep on, and finds what others submit all the same.
TEST(sync_wait, ends_in_a_thread_that_gets_no_descriptor) {
    const cadre::async_event event{cadre::executor(cadre::detail::run_loop::make())};
    std::atomic<bool> waits{false};
    const auto wait = [&]() -> task<> {
        waits.store(true);
        co_await event.wait();
    };
    std::optional<cadre::tests::no_free_descriptors> none(std::in_place);
    std::thread waiting([&] { sync_wait(wait()); });
    while (!waits.load())
        std::this_thread::yield();
    std::this_thread::sleep_for(20ms);  // so that it sleeps
    event.set();
    waiting.join();
    none.reset();
}

}  // namespace
