// No wait is endless: not if a worker takes rings or closes descriptors, not if the program gives up its privileges
// or waits for all of its children, not if nobody reads its output.

#include "guard.hpp"
#include "refused_system_call.hpp"
#include "support.hpp"

#include "process/os/syscalls.hpp"

#include <cadre/as_outcome.hpp>
#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/errors.hpp>
#include <cadre/scope.hpp>
#include <cadre/timeout.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;
using clock_type = std::chrono::steady_clock;

// Far below the limits that the tests replace, far above what a busy machine needs.
constexpr auto soon = 5s;

int close_descriptors() {
    ::closefrom(3);
    return 1;
}

int close_descriptors_and_compute() {
    ::closefrom(3);
    return spin_for_ever();
}

int replace_descriptors() {
    ::closefrom(3);
    for (int i = 0; i < 100; ++i)
        static_cast<void>(::open("/dev/zero", O_RDONLY));
    return 1;
}

TEST(bounded_waits, a_worker_whose_descriptors_a_task_closed_is_replaced) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1}};
    for (int (*const f)() : {close_descriptors, replace_descriptors}) {
#ifdef CADRE_TSAN
        if (f == replace_descriptors)
            continue;  // reports the race between the task and the worker's check, which is the case
#endif
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, f)), 1);
        int answers = 0;
        for (int k = 0; k < 30; ++k) {
            const auto begin = clock_type::now();
            const auto o = cadre::sync_wait(cadre::as_outcome(cadre::on(ex, plus_one, k)));
            EXPECT_LT(clock_type::now() - begin, soon);
            if (o) {
                EXPECT_EQ(*o, k + 1);
                ++answers;
            } else {
                EXPECT_THROW(std::rethrow_exception(o.error()), cadre::worker_crashed);
            }
            std::this_thread::sleep_for(10ms);
        }
        EXPECT_GE(answers, 28);
    }
}

TEST(bounded_waits, a_worker_that_computes_without_descriptors_ends) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1}};
    const auto begin = clock_type::now();
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex, close_descriptors_and_compute)), cadre::worker_crashed);
    EXPECT_LT(clock_type::now() - begin, soon);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

TEST(bounded_waits, a_worker_that_is_stopped_before_it_begins_a_task_is_replaced) {
    const hang_guard guard;
    for (const int workers : {1, 2}) {
        const executor ex = process_executor{{.workers = workers, .task_timeout = 200ms, .kill_grace = 100ms}};
        for (int i = 0; i < workers; ++i)
            ASSERT_EQ(::kill(cadre::sync_wait(cadre::on(ex, worker_pid)), SIGSTOP), 0);
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    }
}

void compute_for_ever() { spin_for_ever(); }

TEST(bounded_waits, an_endless_initializer_ends_the_executor_with_an_error) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1, .initializer = compute_for_ever, .task_timeout = 200ms}};
    const std::string what =
        what_of<cadre::worker_crashed>([&] { (void)cadre::sync_wait(cadre::on(ex, plus_one, 1)); });
    EXPECT_NE(what.find("did not take the calls that were sent to it"), std::string::npos) << what;
    EXPECT_NE(what.find("its initializer"), std::string::npos) << what;
}

// Reads every eventfd of the worker, the doorbells of others too.
int take_rings(std::chrono::milliseconds time) {
    std::vector<int> bells;
    for (int fd = 3; fd < 300; ++fd) {
        const std::string path = "/proc/self/fd/" + std::to_string(fd);
        char target[64] = {};
        if (::readlink(path.c_str(), target, sizeof target - 1) > 0 && std::strstr(target, "eventfd") != nullptr)
            bells.push_back(fd);
    }
    const auto end = clock_type::now() + time;
    std::uint64_t count = 0;
    while (clock_type::now() < end)
        for (const int fd : bells)
            static_cast<void>(!::read(fd, &count, sizeof count));
    return static_cast<int>(bells.size());
}

task<void> call_until(executor ex, const bool& end, int& calls) {
    while (!end) {
        EXPECT_EQ(co_await cadre::on(ex, sleep_then, 1, 5), 5);
        ++calls;
    }
}

task<void> call_beside_a_thief(executor good, executor thief) {
    bool end = false;
    int calls = 0;
    cadre::scope s;
    for (int i = 0; i < 3; ++i)
        s.spawn(call_until(good, end, calls));
    for (int i = 0; i < 5; ++i) {
        const int before = calls;
        EXPECT_GT(co_await cadre::on(thief, take_rings, 200ms), 0);
        const auto limit = clock_type::now() + soon;
        while (calls < before + 10 && clock_type::now() < limit)
            co_await cadre::sleep_for(5ms);
        EXPECT_GE(calls, before + 10);
    }
    end = true;
    co_await s.join();
}

TEST(bounded_waits, calls_go_on_after_a_worker_has_taken_the_rings_of_others) {
    const hang_guard guard(std::chrono::seconds(100));
    const executor good = process_executor{{.workers = 2}};
    const executor thief = process_executor{{.workers = 1}};
    cadre::sync_wait(call_beside_a_thief(good, thief));
}

TEST(bounded_waits, a_program_that_waits_for_all_of_its_children_does_not_wait_for_the_fork_server) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1}};
    for (int i = 0; i < 3; ++i)
        if (::fork() == 0) ::_exit(i);
    int children = 0;
    while (::wait(nullptr) > 0)
        ++children;
    EXPECT_EQ(errno, ECHILD);
    EXPECT_EQ(children, 3);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

int give_up_privileges_and_run_limits() {
    const executor ex = process_executor{{.workers = 1, .kill_grace = 50ms}};
    if (cadre::sync_wait(cadre::on(ex, plus_one, 1)) != 2) return 2;
    if (::setresuid(65534, 65534, 65534) != 0) return 3;
    const auto begin = clock_type::now();
    const auto o = cadre::sync_wait(cadre::as_outcome(cadre::timeout(100ms, cadre::on(ex, spin_for_ever))));
    if (o || clock_type::now() - begin > soon) return 4;
    return cadre::sync_wait(cadre::on(ex, plus_one, 1)) == 2 ? 0 : 5;
}

TEST(bounded_waits, limits_kill_after_the_program_has_given_up_its_privileges) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root";
    }
#ifdef CADRE_TSAN
    GTEST_SKIP() << "ThreadSanitizer does not support threads in a fork of a program with threads";
#endif
    const hang_guard guard;
    const pid_t child = ::fork();
    if (child == 0) ::_exit(give_up_privileges_and_run_limits());
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

// The system calls by which this process could kill its workers.
bool refuse_to_send_signals() {
    return cadre::tests::refuse_system_call(SYS_pidfd_send_signal) && cadre::tests::refuse_system_call(SYS_kill);
}

int refuse_signals_and_run_limits() {
    const executor ex = process_executor{{.workers = 1, .kill_grace = 50ms}};
    if (cadre::sync_wait(cadre::on(ex, plus_one, 1)) != 2) return 2;
    if (!refuse_to_send_signals() || ::kill(::getpid(), 0) == 0) return 3;
    for (int i = 0; i != 3; ++i) {
        const auto begin = clock_type::now();
        const auto o = cadre::sync_wait(cadre::as_outcome(cadre::timeout(100ms, cadre::on(ex, spin_for_ever))));
        if (o || clock_type::now() - begin > soon) return 4;
        if (cadre::sync_wait(cadre::on(ex, plus_one, 1)) != 2) return 5;
    }
    return 0;
}

TEST(bounded_waits, limits_kill_although_seccomp_refuses_signals) {
#if defined(CADRE_TSAN)
    GTEST_SKIP() << "ThreadSanitizer does not support threads in a fork of a program with threads";
#endif
    const hang_guard guard;
    const pid_t child = ::fork();
    if (child == 0) ::_exit(refuse_signals_and_run_limits());
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

int print_lines(int n) {
    for (int i = 0; i < n; ++i)
        std::printf("%0100d\n", i);
    return n;
}

TEST(bounded_waits, limits_and_deaths_do_not_wait_for_the_reader_of_prefixed_output) {
    const hang_guard guard;
    std::fflush(nullptr);
    cadre::detail::process_os::pipe_ends blocked = cadre::detail::process_os::make_pipe();
    const cadre::detail::process_os::unique_fd before = cadre::detail::process_os::duplicate(STDOUT_FILENO);
    ASSERT_GE(::dup2(blocked.write.get(), STDOUT_FILENO), 0);
    blocked.write.reset();
    std::atomic<std::size_t> lines = 0;
    {
        const executor ex =
            process_executor{{.workers = 3, .kill_grace = 100ms, .output = cadre::worker_output::prefix}};
        auto chatter = cadre::spawn(ex, print_lines, 10'000);
        const auto is_full = [fd = blocked.read.get()] {
            int bytes = 0;
            return ::ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 60'000;
        };
        for (const auto limit = clock_type::now() + soon; !is_full() && clock_type::now() < limit;)
            std::this_thread::sleep_for(1ms);
        const auto begin = clock_type::now();
        EXPECT_FALSE(cadre::sync_wait(cadre::as_outcome(cadre::timeout(100ms, cadre::on(ex, spin_for_ever)))));
        EXPECT_THROW(cadre::sync_wait(cadre::on(ex, die_by_signal, SIGKILL)), cadre::worker_crashed);
        EXPECT_LT(clock_type::now() - begin, soon);
        // Now somebody reads: every line arrives, whole.
        std::thread reader([&, fd = blocked.read.get()] {
            std::vector<char> bytes(64 * 1024);
            for (ssize_t n = 0; (n = ::read(fd, bytes.data(), bytes.size())) > 0;)
                lines += static_cast<std::size_t>(std::count(bytes.data(), bytes.data() + n, '\n'));
        });
        EXPECT_EQ(cadre::sync_wait(wait_for(std::move(chatter))), 10'000);
        cadre::sync_wait(ex.shutdown(1s));
        for (const auto limit = clock_type::now() + soon; lines < 10'000u && clock_type::now() < limit;)
            std::this_thread::sleep_for(1ms);
        ::dup2(before.get(), STDOUT_FILENO);
        reader.join();
    }
    EXPECT_EQ(lines, 10'000u);
}

}  // namespace
