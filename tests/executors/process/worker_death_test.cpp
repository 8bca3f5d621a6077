#include "guard.hpp"
#include "support.hpp"

#include <cadre/async_event.hpp>
#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/map.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/sleep.hpp>
#include <cadre/this_worker.hpp>

#include <gtest/gtest.h>

#include <csignal>
#include <ranges>
#include <string>
#include <vector>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;

TEST(process_death, the_running_task_fails_with_the_reason) {
    const executor ex = process_executor{{.workers = 2}};
    try {
        cadre::sync_wait(cadre::on(ex.with({.name = "crasher"}), die_by_signal, SIGSEGV));
        FAIL() << "did not throw";
    } catch (const cadre::worker_crashed& e) {
        EXPECT_EQ(e.signal(), SIGSEGV);
        EXPECT_EQ(e.exit_code(), 0);
        EXPECT_GT(e.pid(), 0);
        EXPECT_NE(e.pid(), ::getpid());
        EXPECT_EQ(e.task_name(), "crasher");
        EXPECT_NE(std::string(e.what()).find("SIGSEGV"), std::string::npos) << e.what();
        EXPECT_GT(e.peak_memory(), 0u);
#ifndef CADRE_ASAN
        EXPECT_NE(e.stack_trace().find("die_by_signal"), std::string::npos) << e.stack_trace();
#endif
    }
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

// Error texts about a call without a name say the function.
template <class F, class... Args>
std::string crash_text(F f, Args... args) {
    const executor ex = process_executor{{.workers = 1}};
    return what_of<cadre::worker_crashed>([&] { (void)cadre::sync_wait(cadre::on(ex, f, args...)); });
}

TEST(process_death, a_task_without_a_name_is_called_by_its_function) {
    const std::string of_function = crash_text(exit_with, 3);
    EXPECT_NE(of_function.find("exited with status 3 while running cadre::process_tests::exit_with(int)"),
              std::string::npos)
        << of_function;
    const std::string of_lambda = crash_text([] { return exit_with(4); });
    EXPECT_NE(of_lambda.find("lambda"), std::string::npos) << of_lambda;
}

TEST(process_death, an_exit_is_reported_with_its_status) {
    const executor ex = process_executor{{.workers = 1}};
    try {
        cadre::sync_wait(cadre::on(ex, exit_with, 3));
        FAIL() << "did not throw";
    } catch (const cadre::worker_crashed& e) {
        EXPECT_EQ(e.signal(), 0);
        EXPECT_EQ(e.exit_code(), 3);
    }
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    EXPECT_EQ(ex.stats().restarts, 1u);
}

int crash_at_three(int i) { return i == 3 ? die_by_signal(SIGABRT) : i * 10; }

TEST(process_death, the_rest_of_a_map_is_not_disturbed) {
    const executor ex = process_executor{{.workers = 2}};
    for (const std::size_t chunk : {0u, 1u, 4u, 8u}) {
        cadre::map_options options;
        options.chunk = chunk;
        const auto got = cadre::sync_wait(cadre::map_outcomes(ex, crash_at_three, std::views::iota(0, 8), options));
        ASSERT_EQ(got.size(), 8u);
        for (std::size_t i = 0; i < 8; ++i) {
            ASSERT_EQ(got[i].has_value(), i != 3) << "item " << i << " chunk " << chunk << ": " << got[i].what();
            if (i != 3) {
                EXPECT_EQ(*got[i], static_cast<int>(i) * 10);
            }
        }
        EXPECT_THROW(std::rethrow_exception(got[3].error()), cadre::worker_crashed);
    }
}

TEST(process_death, suspended_tasks_are_lost_and_queued_ones_move_on) {
    const executor ex = process_executor{{.workers = 1}};
    std::vector<cadre::job<int>> sleepers;
    for (int i = 0; i < 3; ++i)
        sleepers.push_back(cadre::spawn(ex, sleep_then, 60'000, i));
    // Runs behind the sleepers in the same worker, and ends it; the calls behind it are still queued then.
    auto killer = cadre::spawn(ex, die_by_signal, SIGKILL);
    std::vector<cadre::job<int>> queued;
    for (int i = 0; i < 50; ++i)
        queued.push_back(cadre::spawn(ex, plus_one, i));

    EXPECT_THROW(run(wait_for<int>, std::move(killer)), cadre::worker_crashed);
    for (auto& j : sleepers)
        EXPECT_THROW(run(wait_for<int>, std::move(j)), cadre::worker_lost);
    for (int i = 0; i < 50; ++i)
        EXPECT_EQ(run(wait_for<int>, std::move(queued[static_cast<std::size_t>(i)])), i + 1);
}

TEST(process_death, an_idle_worker_that_is_killed_is_replaced) {
    const executor ex = process_executor{{.workers = 1}};
    pid_t last = 0;
    for (int i = 0; i < 5; ++i) {
        const pid_t pid = cadre::sync_wait(cadre::on(ex, worker_pid));
        EXPECT_NE(pid, last);
        last = pid;
        ::kill(pid, SIGKILL);
        // A call that it had claimed just then fails; one that waited does not.
        while (ex.stats().restarts <= static_cast<unsigned>(i))
            std::this_thread::yield();
    }
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

int die_unless_exists(std::string marker, int status) {
    if (::access(marker.c_str(), F_OK) == 0) return 5;
    if (FILE* f = std::fopen(marker.c_str(), "w")) std::fclose(f);
    return exit_with(status);
}

TEST(process_death, retries_repeat_a_task_whose_worker_died) {
    const std::string marker = ::testing::TempDir() + "cadre_retry_" + std::to_string(::getpid());
    ::unlink(marker.c_str());
    const executor ex = process_executor{{.workers = 1, .retries = 1}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, die_unless_exists, marker, 1)), 5);
    ::unlink(marker.c_str());
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex, exit_with, 1)), cadre::worker_crashed);  // each time
    EXPECT_EQ(ex.stats().restarts, 3u);
}

TEST(process_death, an_initializer_that_always_throws_ends_the_executor_with_its_error) {
    const executor ex = process_executor{{.workers = 2, .initializer = [] { throw std::domain_error("no licence"); }}};
    EXPECT_EQ(what_of<std::domain_error>([&] { cadre::sync_wait(cadre::on(ex, plus_one, 1)); }), "no licence");
    EXPECT_EQ(what_of<std::domain_error>([&] { cadre::sync_wait(cadre::on(ex, plus_one, 1)); }), "no licence");
}

TEST(process_death, an_initializer_that_always_dies_ends_the_executor) {
    const executor ex = process_executor{{.workers = 1, .initializer = [] { ::_exit(9); }}};
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex, plus_one, 1)), cadre::worker_crashed);
}

task<int> call_then_die(executor ex) {
    const cadre::channel<int> begun(ex, 1);
    auto child = cadre::spawn(ex, begin_and_sleep, begun);
    EXPECT_TRUE(co_await begun.receive());
    exit_with(4);
    co_return co_await child;
}

TEST(process_death, the_calls_of_a_dead_task_are_stopped) {
    const executor ex = process_executor{{.workers = 2}};
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex, call_then_die, ex)), cadre::worker_crashed);
    // The child sleeps for a minute unless it is asked to stop.
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (ex.stats().running != 0 && std::chrono::steady_clock::now() < limit)
        std::this_thread::yield();
    EXPECT_EQ(ex.stats().running, 0u);
}

constexpr int quick = 2000;
constexpr int waiters = 40;

struct one_death {
    cadre::shared_value<int> begun;
    cadre::async_event all_begun;
    cadre::async_event died;

    task<int> operator()(int i) const {
        if (i < quick) co_return i;
        if (i < quick + waiters) {
            if (begun.fetch_add(1) + 1 >= waiters) all_begun.set();
            co_await died.wait();
            co_return i;
        }
        co_await all_begun.wait();
        if (!died.is_set()) {
            died.set();
            ::raise(SIGKILL);
        }
        co_return i;
    }
};

// The tasks before them did not wait, so several of these come in one chunk, whose worker returns all but one.
TEST(process_death, a_task_that_is_left_of_its_chunk_is_repeated) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1}};
    const one_death f{cadre::shared_value<int>{ex, 0}, cadre::async_event{ex}, cadre::async_event{ex}};
    const auto all =
        cadre::sync_wait(cadre::map_outcomes(ex, f, std::views::iota(0, quick + waiters + 1), {.retries = 1}));
    for (const auto& o : all)
        EXPECT_TRUE(o.has_value()) << o.what();
    EXPECT_TRUE(f.died.is_set());
}

}  // namespace
