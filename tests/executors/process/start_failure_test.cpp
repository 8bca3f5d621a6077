// Workers that cannot start, for a reason that does not go away: the calls that wait fail, the executor goes on.

#include "process/parent/start_failure.hpp"

#include "guard.hpp"
#include "support.hpp"

#include <cadre/errors.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <exception>
#include <new>
#include <string>
#include <system_error>

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::detail::process_parent::death_notice;
using cadre::detail::process_parent::early_death;
using cadre::detail::process_parent::launch_failure;
using cadre::detail::process_parent::start_failure;
using cadre::detail::process_parent::start_failure_series;
using cadre::detail::process_parent::time_point;

start_failure refused(int code) {
    return launch_failure(std::make_exception_ptr(std::system_error(code, std::system_category(), "forking a worker")));
}

// `failures`, one every half second.
bool lasting_after(int count, const start_failure& failure, bool ever_ready = true) {
    start_failure_series series;
    for (int i = 0; i < count; ++i)
        series.add(failure, ever_ready, time_point(i * 500ms));
    return series.lasting();
}

TEST(process_start_failure, twelve_failures_over_five_seconds_are_lasting) {
    EXPECT_TRUE(lasting_after(12, refused(EPERM)));
    EXPECT_FALSE(lasting_after(11, refused(EPERM)));
    start_failure_series burst;
    for (int i = 0; i < 1000; ++i)
        burst.add(refused(EPERM), true, time_point(i * 1ms));
    EXPECT_FALSE(burst.lasting());
}

TEST(process_start_failure, a_lack_of_resources_may_end_if_a_worker_was_ready_before) {
    for (const int code : {EAGAIN, ENOMEM, EMFILE, ENFILE, ENOSPC}) {
        EXPECT_FALSE(lasting_after(1000, refused(code))) << code;
        EXPECT_TRUE(lasting_after(12, refused(code), false)) << code;
    }
    EXPECT_FALSE(lasting_after(1000, launch_failure(std::make_exception_ptr(std::bad_alloc()))));
}

start_failure death_by(int signal) {
    death_notice d;
    d.worker = "worker 0 (pid 1)";
    d.known = true;
    d.signal = signal;
    return early_death(d);
}

TEST(process_start_failure, kills_from_outside_are_never_lasting) {
    EXPECT_FALSE(lasting_after(1000, death_by(SIGKILL), false));
    EXPECT_FALSE(lasting_after(1000, death_by(SIGTERM), false));
    EXPECT_FALSE(lasting_after(1000, refused(ECONNRESET), false));
    EXPECT_FALSE(lasting_after(1000, early_death(death_notice{}), false));  // its status is unknown
    EXPECT_TRUE(lasting_after(12, death_by(SIGSYS)));
}

TEST(process_start_failure, a_kill_from_outside_ends_a_series) {
    start_failure_series series;
    for (int i = 0; i < 11; ++i)
        series.add(refused(EPERM), true, time_point(i * 1s));
    series.add(death_by(SIGKILL), true, time_point(11s));
    series.add(refused(EPERM), true, time_point(12s));
    EXPECT_FALSE(series.lasting());
}

// In memory that the fork server and its forks share with this process.
std::atomic<bool>& starts_fail =
    *new (::mmap(nullptr, sizeof(std::atomic<bool>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
        std::atomic<bool>(false);
const bool handler_is_set = ::pthread_atfork(nullptr, nullptr, [] {
                                if (starts_fail) ::_exit(3);
                            }) == 0;

TEST(process_start_failure, fails_the_calls_that_wait_and_the_executor_goes_on) {
    ASSERT_TRUE(handler_is_set);
    const hang_guard guard;
    starts_fail = true;
    const executor ex = process_executor{{.workers = 2, .name = "cpu"}};
    for (int i = 0; i < 3; ++i) {
        const std::string text = what_of<cadre::config_error>([&] { cadre::sync_wait(cadre::on(ex, plus_one, 1)); });
        EXPECT_TRUE(text.starts_with("executor 'cpu': cannot start worker processes: worker ")) << text;
        EXPECT_NE(text.find(" exited with status 3 while running its start-up code"), std::string::npos) << text;
    }
    // A later call finds workers that can start.
    starts_fail = false;
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

}  // namespace
