// Processes that the program or a task forks and that do not call exec: they act neither for the program nor for a
// worker.

#include "guard.hpp"
#include "support.hpp"

#include <cadre/async_mutex.hpp>
#include <cadre/channel.hpp>
#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/errors.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/map.hpp>
#include <cadre/runtime.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/timeout.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <vector>

#include <ctime>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;

constexpr int repetitions = 100;

// The exit status of `child`; -1 if it does not end in time.
int status_of(pid_t child) {
    for (const auto end = std::chrono::steady_clock::now() + 20s; std::chrono::steady_clock::now() < end;) {
        int status = 0;
        if (::waitpid(child, &status, WNOHANG) == child) return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        std::this_thread::sleep_for(1ms);
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    return -1;
}

task<int> fork_and_return(executor ex, pid_t& child) {
    co_await cadre::on(ex, plus_one, 1);
    child = ::fork();
    co_return child == 0 ? 7 : 0;
}

TEST(fork_without_exec, a_child_that_leaves_the_runtime_ends_and_leaves_the_workers_alone) {
#ifdef CADRE_TSAN
    GTEST_SKIP() << "ThreadSanitizer does not know the threads of the parent in a fork";
#endif
    const hang_guard guard;
    cadre::config c;
    c.executor = "process:2";
    for (int i = 0; i < 10; ++i) {
        pid_t child = -1;
        int result = 0;
        {
            cadre::runtime rt(c);
            const executor ex = rt.executor();
            result = rt.run(fork_and_return(ex, child));
            if (child != 0) {
                EXPECT_EQ(status_of(child), 7);
                for (int k = 0; k < 10; ++k)
                    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, k)), k + 1);
                EXPECT_EQ(ex.stats().restarts, 0u);
                EXPECT_EQ(ex.stats().workers, 2u);
            }
        }
        if (child == 0) ::_exit(result);
    }
}

std::chrono::nanoseconds processor_time() {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

// The child keeps the descriptors open by which the program watches its workers.
TEST(fork_without_exec, a_child_that_stays_does_not_make_the_supervisor_spin_when_workers_die) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 2}};
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex, die_by_signal, SIGKILL)), cadre::worker_crashed);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    const auto before = processor_time();
    std::this_thread::sleep_for(500ms);
    EXPECT_LT(processor_time() - before, 250ms);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

// Everything that a program can hold is destroyed in the child.
TEST(fork_without_exec, a_child_that_destroys_its_handles_frees_nothing_of_its_parent) {
    const hang_guard guard;
    for (int i = 0; i < 10; ++i) {
        executor ex = process_executor{{.workers = 1}};
        executor threads = cadre::thread_executor{{.workers = 2}};
        auto numbers = std::make_unique<cadre::channel<int>>(ex, 4);
        auto value = std::make_unique<cadre::shared_value<int>>(ex, 5);
        auto mutex = std::make_unique<cadre::async_mutex>(ex);
        cadre::sync_wait(numbers->send(1));
        auto locked = std::make_unique<cadre::async_mutex::guard>(cadre::sync_wait(mutex->lock()));
        const pid_t child = ::fork();
        if (child == 0) {
            const bool stopped =
                what_of<cadre::executor_stopped>([&] { cadre::sync_wait(cadre::on(ex, plus_one, 1)); }) != "nothing";
            numbers->close();
            locked.reset();
            numbers.reset();
            value.reset();
            mutex.reset();
            ex = executor(threads);
            threads = executor(ex);
            ::_exit(stopped ? 7 : 1);
        }
        EXPECT_EQ(status_of(child), 7);
        EXPECT_EQ(cadre::sync_wait(numbers->receive()), 1);
        cadre::sync_wait(numbers->send(2));
        EXPECT_EQ(cadre::sync_wait(numbers->receive()), 2);
        EXPECT_FALSE(mutex->try_lock().has_value());
        locked.reset();
        EXPECT_TRUE(mutex->try_lock().has_value());
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
        EXPECT_EQ(ex.stats().restarts, 0u);
    }
}

TEST(fork_without_exec, a_child_that_awaits_a_job_of_its_parent_does_not_wait_for_ever) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1}};
    auto running = cadre::spawn(ex, spin_for_ever);
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(what_of<cadre::executor_stopped>([&] { (void)cadre::sync_wait(std::move(running)); }) != "nothing" ? 7
                                                                                                                   : 1);
    EXPECT_EQ(status_of(child), 7);
    EXPECT_FALSE(running.ready());
    running.kill();
    EXPECT_THROW((void)cadre::sync_wait(std::move(running)), cadre::error);  // `cancelled` if it had not begun
}

// Forks; the child leaves by return or throw. @return the child's exit status
int fork_and_fall_through(bool throws, bool bare) {
    const pid_t child =
        bare ? static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr)) : ::fork();
    if (child == 0) {
        if (throws) throw std::runtime_error("the child's");
        return -1;
    }
    return 100 + status_of(child);
}

task<int> fork_and_suspend() {
    const pid_t child = ::fork();
    if (child == 0) {
        co_await cadre::sleep_for(1ms);
        co_return -1;
    }
    co_return 100 + status_of(child);
}

int fork_in_an_item(int i) { return i % 8 == 3 ? fork_and_fall_through(i % 16 == 3, false) : i; }

TEST(fork_without_exec, a_child_that_leaves_the_task_does_not_answer_for_it) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 2}};
    for (int i = 0; i < repetitions; ++i) {
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, fork_and_fall_through, i % 2 == 0, i % 3 == 0)), 101);
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, i)), i + 1);
    }
    EXPECT_EQ(ex.stats().restarts, 0u);
}

TEST(fork_without_exec, a_child_that_suspends_in_the_task_does_not_answer_for_it) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 2}};
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, fork_and_suspend)), 101);
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, i)), i + 1);
    }
    EXPECT_EQ(ex.stats().restarts, 0u);
}

TEST(fork_without_exec, a_child_that_leaves_an_item_of_a_map_commits_nothing) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 2}};
    std::vector<int> items(64);
    for (int i = 0; i < 64; ++i)
        items[static_cast<std::size_t>(i)] = i;
    const std::vector<int> results = cadre::sync_wait(cadre::map(ex, fork_in_an_item, items));
    ASSERT_EQ(results.size(), items.size());
    for (int i = 0; i < 64; ++i)
        EXPECT_EQ(results[static_cast<std::size_t>(i)], i % 8 == 3 ? 101 : i);
    EXPECT_EQ(ex.stats().restarts, 0u);
}

}  // namespace
