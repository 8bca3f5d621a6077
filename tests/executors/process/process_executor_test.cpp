#include "support.hpp"

#include <cadre/call.hpp>
#include <cadre/map.hpp>
#include <cadre/map_stream.hpp>
#include <cadre/reduce.hpp>
#include <cadre/this_task.hpp>
#include <cadre/this_worker.hpp>
#include <cadre/when_all.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <numeric>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;

std::string twice(std::string s) { return s + s; }
int throw_text(std::string text) { throw std::out_of_range(text); }
void nothing() {}

task<int> countdown(int depth) {
    if (depth == 0) co_return 0;
    const executor ex = co_await cadre::this_task::executor();
    co_return 1 + co_await cadre::on(ex, countdown, depth - 1);
}

task<int> tree(executor ex, int depth) {
    if (depth == 0) co_return 1;
    auto [left, right] =
        co_await cadre::when_all(cadre::on(ex, tree, ex, depth - 1), cadre::on(ex, tree, ex, depth - 1));
    co_return left + right;
}

TEST(process_executor, runs_functions_in_other_processes) {
    const executor ex = process_executor{{.workers = 2}};
    EXPECT_EQ(ex.kind(), cadre::executor_kind::process);
    EXPECT_EQ(ex.concurrency(), 2u);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 41)), 42);
    EXPECT_NE(cadre::sync_wait(cadre::on(ex, worker_pid)), ::getpid());
    cadre::sync_wait(cadre::on(ex, nothing));
}

TEST(process_executor, carries_values_of_every_size) {
    const executor ex = process_executor{{.workers = 1}};
    for (const std::size_t size : {0u, 1u, 20u, 36u, 37u, 100u, 5000u, 1u << 20, 30u << 20}) {
        const std::string sent(size, 'x');
        const std::string got = cadre::sync_wait(cadre::on(ex, twice, sent));
        ASSERT_EQ(got.size(), 2 * size);
        ASSERT_EQ(got, sent + sent);
    }
}

TEST(process_executor, exceptions_arrive_as_themselves) {
    const executor ex = process_executor{{.workers = 1}};
    EXPECT_EQ(what_of<std::out_of_range>([&] { cadre::sync_wait(cadre::on(ex, throw_text, std::string("oops"))); }),
              "oops");
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

TEST(process_executor, maps_in_input_order) {
    const executor ex = process_executor{{.workers = 2}};
    for (const std::size_t chunk : {0u, 1u, 7u}) {
        cadre::map_options options;
        options.chunk = chunk;
        const auto got = cadre::sync_wait(cadre::map(ex, plus_one, std::views::iota(0, 5000), options));
        ASSERT_EQ(got.size(), 5000u);
        for (int i = 0; i < 5000; ++i)
            ASSERT_EQ(got[static_cast<std::size_t>(i)], i + 1);
    }
}

// All of them sleep at the same time, although no worker has credit for so many.
TEST(process_executor, one_worker_holds_many_suspended_tasks) {
    const executor ex = process_executor{{.workers = 1}};
    std::vector<cadre::job<int>> jobs;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 500; ++i)
        jobs.push_back(cadre::spawn(ex, sleep_then, 300, i));
    const auto sum = [](std::vector<cadre::job<int>> all) -> task<int> {
        int total = 0;
        for (auto& j : all)
            total += co_await j;
        co_return total;
    };
    EXPECT_EQ(run(sum, std::move(jobs)), 499 * 500 / 2);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 20s);  // one after the other: 150 s
}

TEST(process_executor, tasks_call_their_own_executor_to_any_depth) {
    const executor ex = process_executor{{.workers = 2}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, countdown, 50)), 50);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, tree, ex, 6)), 64);
}

TEST(process_executor, full_isolation_does_not_deadlock_nested_calls) {
    const executor ex = process_executor{{.workers = 2, .tasks_per_worker = 1}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, countdown, 10)), 10);
}

TEST(process_executor, workers_know_their_number) {
    const executor ex = process_executor{{.workers = 2}};
    const auto number = [](int) { return std::pair(cadre::this_worker::index(), cadre::this_worker::count()); };
    std::set<std::size_t> seen;
    for (int i = 0; i < 20; ++i) {
        const auto [index, count] = cadre::sync_wait(cadre::on(ex, number, i));
        EXPECT_LT(index, 2u);
        EXPECT_EQ(count, 2u);
    }
}

TEST(process_executor, spawn_starts_the_program_again) {
    const executor ex = process_executor{{.workers = 1, .start = cadre::start_method::spawn}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

std::atomic<int> prepared{0};

TEST(process_executor, the_initializer_runs_before_the_first_task) {
    const executor ex = process_executor{{.workers = 1, .initializer = [] { prepared = 7; }}};
    const auto read = [] { return prepared.load(); };
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, read)), 7);
    EXPECT_EQ(prepared, 0);
}

TEST(process_executor, many_callers_in_many_threads) {
    const executor ex = process_executor{{.workers = 2}};
    std::vector<std::thread> threads;
    std::atomic<long> total{0};
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 300; ++i)
                total += cadre::sync_wait(cadre::on(ex, plus_one, i));
        });
    for (auto& t : threads)
        t.join();
    EXPECT_EQ(total, 4L * (300 * 301 / 2));
}

TEST(process_executor, refuses_more_than_may_wait) {
    const executor ex = process_executor{{.workers = 1, .max_pending = 5}};
    const cadre::channel<int> begun(ex, 1);
    auto holder = cadre::spawn(ex, begin_and_compute_until_stopped, begun);
    ASSERT_TRUE(run(receive<int>, begun));
    // The worker computes: of these calls it holds some already, five wait in the parent, and the others are refused.
    std::vector<cadre::job<int>> jobs;
    for (int i = 0; i < 200; ++i)
        jobs.push_back(cadre::spawn(ex, plus_one, i));
    holder.request_stop();
    EXPECT_EQ(run(wait_for<int>, std::move(holder)), 77);
    int refused = 0;
    for (int i = 0; i < 200; ++i) {
        try {
            EXPECT_EQ(run(wait_for<int>, std::move(jobs[static_cast<std::size_t>(i)])), i + 1);
        } catch (const cadre::overloaded& e) {
            EXPECT_NE(std::string(e.what()).find("max_pending"), std::string::npos) << e.what();
            ++refused;
        }
    }
    EXPECT_GT(refused, 0);
    EXPECT_LE(refused, 195);
}

task<std::size_t> count_mapped(executor ex, int items) {
    const auto results = co_await cadre::map(ex, plus_one, std::views::iota(0, items), {.chunk = 1});
    co_return results.size();
}

// The window of a map bounds how many of its calls wait, so `max_pending` does not refuse them.
TEST(process_executor, a_map_waits_where_a_call_is_refused) {
    constexpr std::size_t items = 600;
    const executor ex = process_executor{{.workers = 1, .max_pending = 1}};
    const cadre::channel<int> begun(ex, 1);
    const auto while_the_worker_computes = [&](auto&& count_results) {
        auto holder = cadre::spawn(ex, begin_and_compute_until_stopped, begun);
        ASSERT_TRUE(run(receive<int>, begun));
        // The first child sends all of its window before the second one begins.
        const auto [count, released] =
            cadre::sync_wait(cadre::when_all(count_results(), cadre::call([&]() -> cadre::task<int> {
                                                 holder.request_stop();
                                                 co_return co_await std::move(holder);
                                             })));
        EXPECT_EQ(count, items);
        EXPECT_EQ(released, 77);
    };
    const auto input = std::views::iota(0, static_cast<int>(items));
    while_the_worker_computes([&] {
        return cadre::call([&]() -> cadre::task<std::size_t> {
            const auto results = co_await cadre::map(ex, plus_one, input, {.chunk = 1, .window = items});
            co_return results.size();
        });
    });
    while_the_worker_computes([&] {
        return cadre::call([&]() -> cadre::task<std::size_t> {
            auto results = cadre::map_stream(ex, plus_one, input, {.chunk = 1, .window = items});
            std::size_t count = 0;
            while (const auto result = co_await results.next())
                ++count;
            co_return count;
        });
    });
    while_the_worker_computes([&] {
        return cadre::call([&]() -> cadre::task<std::size_t> {
            co_return co_await cadre::reduce(ex, [](int) { return std::size_t{1}; }, std::plus<>(), input,
                                             std::size_t{0}, {.chunk = 1, .window = items});
        });
    });
    EXPECT_EQ(run(count_mapped, ex, static_cast<int>(items)), items);  // a map of a task, on its own executor
}

TEST(process_executor, negative_options_are_refused) {
    EXPECT_THROW(process_executor({.workers = 1, .task_timeout = -1s}), cadre::config_error);
    EXPECT_THROW(process_executor({.workers = 1, .kill_grace = -1s}), cadre::config_error);
    EXPECT_THROW(process_executor({.workers = 1, .retries = -1}), cadre::config_error);
}

}  // namespace
