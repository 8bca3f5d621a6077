// The tree of live tasks: names, states, what each waits for, where it was started.

#include "dump_support.hpp"

#include <cadre/cadre.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdlib>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

using namespace std::chrono_literals;

namespace {

using dump_tests::dump;
using dump_tests::dump_with;

#define EXPECT_NAMES(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

cadre::task<> waits_for_items(cadre::channel<int> items) {
    while (auto item = co_await items.receive()) {
    }
}

cadre::task<> awaits_it(cadre::channel<int> items) { co_await waits_for_items(std::move(items)); }

cadre::stream<int> numbers(cadre::async_event gate) {
    co_await gate.wait();
    co_yield 1;
}

}  // namespace

TEST(dump_tasks, without_tasks) { EXPECT_NAMES(dump(), ": 0 tasks\n"); }

TEST(dump_tasks, the_waits_of_the_main_task_and_of_its_scopes) {
    cadre::sync_wait([]() -> cadre::task<> {
        const cadre::executor self = co_await cadre::this_task::executor();
        cadre::channel<int> items{self, 1};
        cadre::scope s;
        s.spawn(awaits_it(items));
        s.spawn(cadre::sleep_for(1h));
        co_await cadre::yield();
        const std::string text = dump();
        EXPECT_NAMES(text, ": 1 task\n");
        EXPECT_NAMES(text, "'main' on serial executor 'sync_wait': waits\n");
        EXPECT_NAMES(text, "waits for a message from a channel (receive), in ");
        EXPECT_NAMES(text, "waits_for_items");
        EXPECT_NAMES(text, ", awaited by ");
        EXPECT_NAMES(text, "awaits_it");
        EXPECT_NAMES(text, "a task of the scope made at ");
        EXPECT_NAMES(text, "waits for a time to come (sleep)");
        EXPECT_NAMES(text, "started at ");
        EXPECT_NAMES(text, "dump_tasks_test.cpp:");
        s.request_stop();
        co_await s.join();
    }());
    EXPECT_NAMES(dump(), ": 0 tasks\n");
}

TEST(dump_tasks, a_call_without_a_name_shows_its_function) {
    cadre::thread_executor pool{{.workers = 1}};
    cadre::sync_wait([](cadre::executor ex) -> cadre::task<> {
        cadre::channel<int> items{ex, 1};
        auto job = cadre::spawn(ex, awaits_it, items);
        EXPECT_NAMES(dump_with("awaits_it"), "awaits_it(cadre::channel<int>), on thread executor 'thread': ");
        items.close();
        co_await std::move(job);
    }(pool));
}

TEST(dump_tasks, calls_and_jobs_stand_below_the_task_that_started_them) {
    cadre::thread_executor pool{{.workers = 2}};
    cadre::sync_wait([](cadre::executor ex) -> cadre::task<> {
        cadre::channel<int> items{ex, 1};
        auto job = cadre::spawn(ex.with({.name = "resize"}), awaits_it, items);
        const std::string text = dump_with("awaits_it");
        EXPECT_NAMES(text, "'resize' on thread executor 'thread': waits\n");
        EXPECT_NAMES(text, "started by task #");
        EXPECT_LT(text.find("'main'"), text.find("'resize'")) << text;
        items.close();
        co_await std::move(job);
    }(pool));
}

TEST(dump_tasks, what_waits_under_a_shield) {
    cadre::sync_wait([]() -> cadre::task<> {
        const cadre::executor self = co_await cadre::this_task::executor();
        cadre::channel<int> items{self, 1};
        cadre::scope s;
        s.spawn(cadre::shield(cadre::when_all(awaits_it(items), cadre::shield(cadre::sleep_for(1ms)))));
        co_await cadre::yield();
        s.request_stop();  // reaches neither
        const std::string text = dump();
        EXPECT_NAMES(text, "waits for a message from a channel (receive), in ");
        EXPECT_NAMES(text, "waits_for_items");
        EXPECT_NAMES(text, "a task of the scope made at ");
        EXPECT_NAMES(text, "waits for a time to come (sleep)");
        items.close();
        co_await s.join();
        EXPECT_EQ(dump().find("waits for"), std::string::npos);
    }());
}

TEST(dump_tasks, a_task_that_runs) {
    cadre::thread_executor pool{{.workers = 1}};
    cadre::sync_wait([](cadre::thread_executor ex) -> cadre::task<> {
        std::atomic<bool> end{false};
        auto job = cadre::spawn(ex, [&end] {
            while (!end.load())
                std::this_thread::yield();
        });
        EXPECT_NAMES(dump(), "runs, or is ready\n");
        end.store(true);
        co_await std::move(job);
    }(pool));
}

TEST(dump_tasks, forks_streams_selects_and_awaitables_of_others) {
    struct handle_of {
        std::coroutine_handle<>& kept;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> h) noexcept { kept = h; }
        void await_resume() const noexcept {}
    };
    cadre::sync_wait([]() -> cadre::task<> {
        const cadre::executor self = co_await cadre::this_task::executor();
        std::coroutine_handle<> other;
        cadre::channel<int> a{self, 1};
        cadre::channel<int> b{self, 1};
        cadre::async_event gate{self};
        auto selects = [](cadre::channel<int> one, cadre::channel<int> two) -> cadre::task<> {
            (void)co_await cadre::select(one.receive(), two.receive());
        };
        auto foreign = [](std::coroutine_handle<>& kept) -> cadre::task<> { co_await handle_of{kept}; };
        auto reads = [](cadre::async_event e) -> cadre::task<> {
            auto s = numbers(e);
            (void)co_await s.next();
        };
        cadre::scope s;
        s.spawn(cadre::when_all(selects(a, b), foreign(other), reads(gate), waits_for_items(a)));
        co_await cadre::yield();
        co_await cadre::yield();
        const std::string text = dump();
        EXPECT_NAMES(text, "waits for one of several operations (select)");
        EXPECT_NAMES(text, "waits for an awaitable of another library");
        EXPECT_NAMES(text, "waits for the next element of a stream");
        EXPECT_NAMES(text, "waits for an event");
        EXPECT_NAMES(text, "waits_for_items");
        other.resume();
        gate.set();
        a.close();
        b.close();
        co_await s.join();
    }());
}

// Tasks come and go while others dump them.
TEST(dump_tasks, while_tasks_run) {
    cadre::thread_executor pool{{.workers = 2}};
    std::atomic<bool> end{false};
    std::thread dumper([&end] {
        while (!end.load())
            (void)dump();
    });
    cadre::sync_wait([](cadre::executor ex) -> cadre::task<> {
        for (int round = 0; round < 200; ++round) {
            cadre::channel<int> items{ex, 2};
            cadre::scope s;
            for (int i = 0; i < 4; ++i)
                s.spawn(cadre::on(ex, awaits_it, items));
            for (int i = 0; i < 20; ++i)
                co_await items.send(i);
            items.close();
            co_await s.join();
        }
    }(pool));
    end.store(true);
    dumper.join();
}
