// A process that the program forks has no thread of the executors of its parent: every use of one ends at once, as with
// the other kinds.
#include <atomic>
#include <chrono>
#include <functional>
#include <ranges>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <cadre/as_completed.hpp>
#include <cadre/config.hpp>
#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/errors.hpp>
#include <cadre/executors/serial.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/job.hpp>
#include <cadre/map.hpp>
#include <cadre/on.hpp>
#include <cadre/reduce.hpp>
#include <cadre/resume_on.hpp>
#include <cadre/runtime.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/wait_for.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::executor;
using cadre::sync_wait;
using cadre::task;

constexpr int repetitions = 10;
constexpr unsigned limit = 20;  // seconds; a child that hangs is ended by SIGALRM

int plus_one(int x) { return x + 1; }

task<int> sleeps_for_ever() {
    co_await cadre::sleep_for(1h);
    co_return 0;
}

task<int> moves_to(cadre::thread_executor pool) {
    co_await cadre::resume_on(pool);
    co_return 0;
}

enum class end : int { value = 1, stopped, other };

end end_of(const std::function<void()>& use) {
    try {
        use();
        return end::value;
    } catch (const cadre::executor_stopped&) {
        return end::stopped;
    } catch (...) {
        return end::other;
    }
}

// How `use` ends in a fork of this process.
end in_a_fork(const std::function<void()>& use) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(limit);
        ::_exit(static_cast<int>(end_of(use)));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status)) << "the child hung or crashed, signal " << WTERMSIG(status);
    return WIFEXITED(status) ? static_cast<end>(WEXITSTATUS(status)) : end::other;
}

class thread_executor_in_a_fork : public testing::Test {
protected:
    void SetUp() override {
#ifdef CADRE_TSAN
        GTEST_SKIP() << "ThreadSanitizer does not know the threads of the parent in a fork";
#endif
        EXPECT_EQ(sync_wait(cadre::on(ex, plus_one, 1)), 2);
    }
    void TearDown() override { EXPECT_EQ(sync_wait(cadre::on(ex, plus_one, 1)), 2); }

    cadre::thread_executor pool{{.workers = 2}};
    executor ex = pool;
};

TEST_F(thread_executor_in_a_fork, new_work_is_refused) {
    for (int i = 0; i < repetitions; ++i) {
        EXPECT_EQ(in_a_fork([&] { (void)sync_wait(cadre::on(ex, plus_one, 1)); }), end::stopped);
        EXPECT_EQ(in_a_fork([&] { (void)sync_wait(cadre::on(pool, [] { return 1; })); }), end::stopped);
        EXPECT_EQ(in_a_fork([&] { (void)sync_wait(cadre::spawn(ex, plus_one, 1)); }), end::stopped);
        EXPECT_EQ(in_a_fork([&] { (void)sync_wait(cadre::map(ex, plus_one, std::views::iota(0, 99))); }), end::stopped);
        EXPECT_EQ(
            in_a_fork([&] { (void)sync_wait(cadre::reduce(ex, plus_one, std::plus<>{}, std::views::iota(0, 99), 0)); }),
            end::stopped);
        EXPECT_EQ(in_a_fork([&] { (void)sync_wait(moves_to(pool)); }), end::stopped);
    }
}

TEST_F(thread_executor_in_a_fork, jobs_that_had_not_ended_fail) {
    for (int i = 0; i < repetitions; ++i) {
        auto running = cadre::spawn(ex, sleeps_for_ever);
        auto ended = cadre::spawn(ex, plus_one, 1);
        while (!ended.ready())
            std::this_thread::yield();
        EXPECT_EQ(in_a_fork([&] { (void)sync_wait(std::move(running)); }), end::stopped);
        EXPECT_EQ(in_a_fork([&] { (void)sync_wait(cadre::wait_for(1h, running)); }), end::value);
        EXPECT_EQ(in_a_fork([&] {
                      std::vector<cadre::job<int>> jobs;
                      jobs.push_back(std::move(running));
                      auto first = cadre::as_completed(std::move(jobs));
                      auto job = sync_wait(first.next());
                      (void)sync_wait(std::move(*job));
                  }),
                  end::stopped);
        EXPECT_EQ(in_a_fork([&] {
                      if (sync_wait(std::move(ended)) != 2) throw std::logic_error("not the result");
                  }),
                  end::value);
    }
}

TEST_F(thread_executor_in_a_fork, it_ends_at_once) {
    auto running = cadre::spawn(ex, sleeps_for_ever);
    EXPECT_EQ(in_a_fork([&] { sync_wait(ex.shutdown(1h)); }), end::value);
    EXPECT_EQ(in_a_fork([&] {
                  ex.request_stop();
                  if (ex.stats().running != 0) throw std::logic_error("nothing runs in the fork");
                  pool = cadre::thread_executor{{.workers = 1}};
                  ex = pool;  // the last handle of the parent's
                  if (sync_wait(cadre::on(ex, plus_one, 1)) != 2) throw std::logic_error("not the result");
              }),
              end::value);
    EXPECT_FALSE(running.ready());
}

// The threads of the pool are busy in its registry when the program forks.
TEST_F(thread_executor_in_a_fork, nothing_waits_for_a_lock_of_the_parents_threads) {
    std::atomic<bool> over{false};
    std::vector<std::thread> busy;
    for (int i = 0; i < 3; ++i)
        busy.emplace_back([&] {
            while (!over.load())
                (void)sync_wait(cadre::on(pool, [] { return 1; }));
        });
    for (int i = 0; i < 20 * repetitions; ++i) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::alarm(limit);
            const bool refused = end_of([&] { (void)cadre::spawn(ex, plus_one, 1).ready(); }) == end::value;
            ex.request_stop();
            ::_exit(refused && ex.stats().running == 0 ? 7 : 1);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << "status " << status;
    }
    over = true;
    for (std::thread& t : busy)
        t.join();
}

// Forks; the child leaves the task. @return the child's exit status
int fork_and_return() {
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(limit);
        return -1;
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? 100 + WEXITSTATUS(status) : -2;
}

task<int> fork_and_suspend() {
    const int result = fork_and_return();
    if (result == -1) co_await cadre::sleep_for(1ms);
    co_return result;
}

TEST_F(thread_executor_in_a_fork, a_child_that_leaves_the_task_ends) {
    for (int i = 0; i < repetitions; ++i) {
        EXPECT_EQ(sync_wait(cadre::on(ex, fork_and_return)), 101);
        EXPECT_EQ(sync_wait(cadre::on(ex, fork_and_suspend)), 101);
    }
}

TEST(program_in_a_fork, runs_its_main_task_again_and_refuses_parallel_runs) {
#ifdef CADRE_TSAN
    GTEST_SKIP() << "ThreadSanitizer does not know the threads of the parent in a fork";
#endif
    cadre::config c;
    c.executor = "thread:2";
    cadre::runtime rt(c);
    const executor ex = rt.executor();
    const auto sleeps = []() -> task<int> {
        co_await cadre::sleep_for(1ms);
        co_return 3;
    };
    EXPECT_EQ(rt.run_parallel(sleeps()), 3);
    for (int i = 0; i < repetitions; ++i) {
        EXPECT_EQ(in_a_fork([&] { (void)rt.run_parallel(sleeps()); }), end::stopped);
        EXPECT_EQ(in_a_fork([&] {
                      if (rt.run(sleeps()) != 3) throw std::logic_error("not the result");
                  }),
                  end::value);
    }
    EXPECT_EQ(rt.run_parallel(sleeps()), 3);
}

}  // namespace
