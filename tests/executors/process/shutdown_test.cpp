#include "support.hpp"

#include "process/os/syscalls.hpp"

#include <cadre/async_event.hpp>
#include <cadre/channel.hpp>
#include <cadre/job.hpp>
#include <cadre/map.hpp>
#include <cadre/shared_value.hpp>

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>
#include <ranges>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include <sys/wait.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// Waits for the end of a process.
bool gone(pid_t pid) {
    try {
        const auto pidfd = cadre::detail::process_os::open_pidfd(pid);
        return cadre::detail::process_os::wait_readable(pidfd.get(), 30s);
    } catch (const std::system_error&) {
        return true;
    }
}

TEST(process_shutdown, running_work_ends_and_new_work_is_refused) {
    const executor ex = process_executor{{.workers = 1}};
    const pid_t pid = cadre::sync_wait(cadre::on(ex, worker_pid));
    auto job = cadre::spawn(ex, sleep_then, 100, 3);
    cadre::sync_wait(ex.shutdown(30s));
    EXPECT_EQ(run(wait_for<int>, std::move(job)), 3);
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex, plus_one, 1)), cadre::executor_stopped);
    EXPECT_TRUE(gone(pid));
    cadre::sync_wait(ex.shutdown(30s));
}

TEST(process_shutdown, what_has_not_ended_at_the_deadline_is_stopped) {
    const executor ex = process_executor{{.workers = 1}};
    const cadre::channel<int> begun{ex, 1};
    auto sleeper = cadre::spawn(ex, begin_and_sleep, begun);
    ASSERT_TRUE(run(receive<int>, begun));
    cadre::sync_wait(ex.shutdown(0ms));
    EXPECT_THROW(run(wait_for<int>, std::move(sleeper)), cadre::cancelled);
}

TEST(process_shutdown, what_does_not_stop_is_killed_and_the_suspended_ones_with_it) {
    const executor ex = process_executor{{.workers = 1, .kill_grace = 50ms}};
    const cadre::channel<int> begun{ex, 1};
    std::vector<cadre::job<int>> jobs;
    jobs.push_back(cadre::spawn(ex, begin_and_sleep, begun));
    ASSERT_TRUE(run(receive<int>, begun));
    jobs.push_back(cadre::spawn(ex, begin_and_spin, begun));
    ASSERT_TRUE(run(receive<int>, begun));
    // Does not run: revoked at the deadline, or killed if the worker had claimed it.
    jobs.push_back(cadre::spawn(ex, begin_and_sleep, begun));
    cadre::sync_wait(ex.shutdown(0ms));
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        try {
            run(wait_for<int>, std::move(jobs[i]));
            FAIL() << "task " << i << " did not throw";
        } catch (const cadre::task_killed& e) {
            EXPECT_EQ(e.reason(), cadre::kill_reason::shutdown) << i;
        } catch (const cadre::cancelled&) {
            EXPECT_EQ(i, 2u);
        }
    }
}

TEST(process_shutdown, the_last_handle_ends_the_workers) {
    pid_t pid = 0;
    {
        const executor ex = process_executor{{.workers = 1}};
        pid = cadre::sync_wait(cadre::on(ex, worker_pid));
    }
    EXPECT_TRUE(gone(pid));
}

TEST(process_shutdown, nothing_is_left_open) {
    const auto use = [] {
        const executor ex = process_executor{{.workers = 2, .output = cadre::worker_output::capture}};
        cadre::sync_wait(cadre::map(ex, plus_one, std::views::iota(0, 100)));
        EXPECT_THROW(cadre::sync_wait(cadre::on(ex, exit_with, 1)), cadre::worker_crashed);
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    };
    use();  // warm-up: what is created once stays
    const std::size_t before = open_descriptors();
    for (int i = 0; i < 5; ++i)
        use();
    EXPECT_EQ(open_descriptors(), before);
    siginfo_t zombie{};
    ::waitid(P_ALL, 0, &zombie, WEXITED | WNOHANG | WNOWAIT);
    EXPECT_EQ(zombie.si_pid, 0);
}

int say_and_die(std::string text) {
    std::cout << text << std::endl;
    return exit_with(1);
}

TEST(process_output, captured_output_is_in_the_error) {
    const executor ex = process_executor{{.workers = 1, .output = cadre::worker_output::capture}};
    const std::string what = what_of<cadre::worker_crashed>(
        [&] { cadre::sync_wait(cadre::on(ex, say_and_die, std::string("last words"))); });
    EXPECT_NE(what.find("last words"), std::string::npos) << what;
}

int say(std::string text) {
    std::cout << text << std::endl;
    return 0;
}

void hang(cadre::async_event begun) {
    begun.set();
    for (;;)
        ::pause();
}

TEST(process_output, captured_output_is_in_the_error_of_a_kill) {
    const executor ex = process_executor{{.workers = 1, .kill_grace = 1ms, .output = cadre::worker_output::capture}};
    const cadre::async_event begun{ex};
    cadre::sync_wait(cadre::on(ex, say, std::string("one")));
    const std::string by_limit =
        what_of<cadre::timed_out>([&] { cadre::sync_wait(cadre::on(ex.with({.timeout = 200ms}), hang, begun)); });
    EXPECT_TRUE(by_limit.ends_with("; last output:\none\n")) << by_limit;

    cadre::sync_wait(cadre::on(ex, say, std::string("two")));
    begun.reset();
    auto job = cadre::spawn(ex, hang, begun);
    cadre::sync_wait([](cadre::async_event set) -> cadre::task<> { co_await set.wait(); }(begun));
    job.kill();
    const std::string by_request = what_of<cadre::task_killed>([&] { cadre::sync_wait(std::move(job)); });
    EXPECT_TRUE(by_request.ends_with("; last output:\ntwo\n")) << by_request;
}

TEST(process_output, prefixed_lines_name_the_worker) {
    ::testing::internal::CaptureStdout();
    {
        const executor ex = process_executor{{.workers = 1, .output = cadre::worker_output::prefix}};
        cadre::sync_wait(cadre::on(ex, say, std::string("hello")));
    }
    const std::string seen = ::testing::internal::GetCapturedStdout();
    EXPECT_TRUE(seen.starts_with("[worker 0")) << seen;
    if (seen.find('#') != std::string::npos) {  // the task may have ended when the parent reads its line
        EXPECT_NE(seen.find("say#"), std::string::npos) << seen;
    }
    EXPECT_NE(seen.find("] hello\n"), std::string::npos) << seen;
}

int say_lines(int n) {
    for (int i = 0; i != 5; ++i)
        std::printf("call %d line %d\n", n, i);
    return n;
}

// What a task has printed is out before its result is.
TEST(process_output, comes_before_the_result) {
    ::testing::internal::CaptureStdout();
    {
        const executor ex = process_executor{{.workers = 2, .output = cadre::worker_output::prefix}};
        for (int n = 0; n != 200; ++n) {
            (void)cadre::sync_wait(cadre::on(ex, say_lines, n));
            const std::string text = "result " + std::to_string(n) + '\n';
            EXPECT_EQ(::write(STDOUT_FILENO, text.data(), text.size()), static_cast<ssize_t>(text.size()));
        }
    }
    std::istringstream seen(::testing::internal::GetCapturedStdout());
    std::string line;
    for (int n = 0; n != 200; ++n) {
        for (int i = 0; i != 5; ++i) {
            ASSERT_TRUE(std::getline(seen, line));
            ASSERT_TRUE(line.starts_with("[worker ")) << line;
            ASSERT_TRUE(line.ends_with("] call " + std::to_string(n) + " line " + std::to_string(i))) << line;
        }
        ASSERT_TRUE(std::getline(seen, line));
        ASSERT_EQ(line, "result " + std::to_string(n));
    }
}

TEST(process_output, null_is_silent) {
    ::testing::internal::CaptureStdout();
    {
        const executor ex = process_executor{{.workers = 1, .output = cadre::worker_output::null}};
        cadre::sync_wait(cadre::on(ex, say, std::string("hello")));
    }
    EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
}

}  // namespace
