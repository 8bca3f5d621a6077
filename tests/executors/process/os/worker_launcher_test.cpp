#include "worker_fixture.hpp"

#include <cadre/detail/base/sanitizers.hpp>

#include <csignal>
#include <cstdio>
#include <iostream>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>

namespace cadre::detail::process_os::testing {
namespace {

class worker_launcher_test : public worker_test {};
INSTANTIATE_TEST_SUITE_P(, worker_launcher_test, ::testing::Values(start_method::forkserver, start_method::spawn),
                         method_name);

int describe_itself(worker_boot&& boot) {
    std::string text = std::to_string(boot.slot) + ' ' + std::to_string(boot.generation) + ' ' + boot.name + ' ' +
                       std::to_string(boot.fds.size()) + ' ' + (boot.start == start_method::spawn ? "spawn" : "fork");
    say(boot.fds.at(1).get(), text);
    return 0;
}

TEST_P(worker_launcher_test, passes_what_the_spec_says_in_order) {
    pipe_ends first = make_pipe();
    pipe_ends second = make_pipe();
    worker_spec wish = spec(&describe_itself);
    wish.slot = 7;
    wish.generation = (std::uint64_t{1} << 40) + 3;
    wish.name = "cruncher";
    wish.fds = {first.read.get(), second.write.get()};
    const launched_worker worker = launcher_.launch(wish);
    second.write.reset();
    EXPECT_EQ(hear(second.read.get()),
              std::string("7 1099511627779 cruncher 2 ") + (GetParam() == start_method::spawn ? "spawn" : "fork"));
    EXPECT_EQ(worker.start, GetParam());
    const worker_exit end = end_of(worker);
    EXPECT_TRUE(end.status_known);
    EXPECT_TRUE(WIFEXITED(end.status) && WEXITSTATUS(end.status) == 0) << end.status;
}

TEST_P(worker_launcher_test, reports_the_exit_status) {
    const worker_exit end = run(spec([](worker_boot&&) { return 42; }));
    EXPECT_TRUE(end.status_known);
    ASSERT_TRUE(WIFEXITED(end.status));
    EXPECT_EQ(WEXITSTATUS(end.status), 42);
}

TEST_P(worker_launcher_test, reports_exit_called_by_the_work) {
    const worker_exit end = run(spec([](worker_boot&&) -> int { std::exit(3); }));
    ASSERT_TRUE(end.status_known && WIFEXITED(end.status));
    EXPECT_EQ(WEXITSTATUS(end.status), 3);
}

TEST_P(worker_launcher_test, reports_the_signal_of_a_crash) {
    shared_crash_page crash;
    worker_spec wish = spec([](worker_boot&&) -> int { std::abort(); });
    EXPECT_EQ(WTERMSIG(run(wish).status), SIGABRT);
    wish.fds = {crash.fd()};
    wish.crash_fd = 0;
    EXPECT_EQ(WTERMSIG(run(wish).status), SIGABRT);
    wish.main = [](worker_boot&&) -> int { throw std::runtime_error("escapes"); };
    EXPECT_EQ(WTERMSIG(run(wish).status), SIGABRT);
    wish.main = [](worker_boot&&) -> int { return ::raise(SIGSEGV); };
    EXPECT_EQ(WTERMSIG(run(wish).status), SIGSEGV);
}

TEST_P(worker_launcher_test, reports_a_kill_first_by_pidfd_then_by_status) {
    const launched_worker worker = launcher_.launch(spec([](worker_boot&&) -> int { sleep_for_ever(); }));
    EXPECT_FALSE(has_exited(worker.pidfd.get()));
    EXPECT_TRUE(launcher_.poll_exits().empty());
    ::kill(worker.pid, SIGKILL);
    ASSERT_TRUE(wait_readable(worker.pidfd.get(), guard));
    ASSERT_TRUE(wait_readable(launcher_.status_fd(), guard));
    const std::vector<worker_exit> ends = launcher_.poll_exits();
    ASSERT_EQ(ends.size(), 1u);
    EXPECT_EQ(ends[0].pid, worker.pid);
    EXPECT_TRUE(ends[0].status_known);
    EXPECT_EQ(WTERMSIG(ends[0].status), SIGKILL);
    EXPECT_FALSE(wait_readable(launcher_.status_fd(), 0ms));
}

TEST_P(worker_launcher_test, a_report_that_another_wait_met_is_kept) {
    const launched_worker first = launcher_.launch(spec([](worker_boot&&) { return 1; }));
    const launched_worker second = launcher_.launch(spec([](worker_boot&&) { return 2; }));
    ASSERT_TRUE(wait_readable(first.pidfd.get(), guard));
    EXPECT_EQ(WEXITSTATUS(end_of(second).status), 2);
    EXPECT_EQ(WEXITSTATUS(end_of(first).status), 1);
    EXPECT_FALSE(launcher_.wait_exit(first.pid, 0ms));
}

// As many bytes as the generation says.
int use_memory(worker_boot&& boot) {
    auto* memory = static_cast<volatile char*>(std::malloc(boot.generation));
    for (std::size_t i = 0; i < boot.generation; i += 4096)
        memory[i] = 1;
    return 0;
}

TEST_P(worker_launcher_test, reports_peak_memory) {
    // For a spawned worker the kernel also counts the memory of this process: a smaller peak of the worker is unknown.
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    worker_spec wish = spec(&use_memory);
    wish.generation = (static_cast<std::size_t>(usage.ru_maxrss) << 10) + (std::size_t{200} << 20);
    EXPECT_GT(run(wish).max_rss, wish.generation - (std::size_t{10} << 20));
}

int surroundings(worker_boot&& boot) {
    const int out = boot.fds.at(0).get();
    const std::set<int> fds = open_fds();
    // Standard descriptors, the pipe, the lifeline.
    say(out, fds.size() == 5 ? "fds " : "strays:" + std::to_string(fds.size()) + ' ');
    say(out, ::getpgrp() == ::getpid() ? "leader " : "follower ");
    char c = 0;
    say(out, ::read(STDIN_FILENO, &c, 1) == 0 ? "null " : "input ");
    ::raise(SIGINT);
    sigset_t blocked;
    ::sigprocmask(SIG_SETMASK, nullptr, &blocked);
    say(out, sigisemptyset(&blocked) ? "unblocked " : "blocked ");
    struct sigaction usr1{};
    ::sigaction(SIGUSR1, nullptr, &usr1);
    say(out, usr1.sa_handler == SIG_DFL ? "default" : "handled");
    return 0;
}

TEST_P(worker_launcher_test, a_worker_begins_in_clean_surroundings) {
    const unique_fd stray{::open("/dev/null", O_RDONLY)};  // not close-on-exec
    sigset_t usr2;
    sigset_t before;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    ::pthread_sigmask(SIG_BLOCK, &usr2, &before);
    const auto handler = std::signal(SIGUSR1, [](int) {});
    pipe_ends answer = make_pipe();
    worker_spec wish = spec(&surroundings);
    wish.fds = {answer.write.get()};
    const launched_worker worker = launcher_.launch(wish);
    answer.write.reset();
    EXPECT_EQ(hear(answer.read.get()), "fds leader null unblocked default");
    EXPECT_EQ(end_of(worker).status, 0);
    std::signal(SIGUSR1, handler);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_P(worker_launcher_test, output_goes_where_the_spec_says_and_is_flushed) {
    pipe_ends out = make_pipe();
    pipe_ends err = make_pipe();
    worker_spec wish = spec([](worker_boot&&) {
        std::printf("printed ");
        std::cout << "streamed";
        std::fprintf(stderr, "complained");
        return 0;
    });
    wish.stdout_fd = out.write.get();
    wish.stderr_fd = err.write.get();
    const launched_worker worker = launcher_.launch(wish);
    out.write.reset();
    err.write.reset();
    EXPECT_EQ(hear(out.read.get()), "printed streamed");
    EXPECT_EQ(hear(err.read.get()), "complained");
    EXPECT_EQ(end_of(worker).status, 0);
}

int allocate_beyond_the_limit(worker_boot&& boot) {
    try {
        std::vector<char> too_much(std::size_t{1} << 30);
        *const_cast<volatile char*>(too_much.data()) = 'x';  // or the compiler leaves the allocation out
        return 2;
    } catch (const std::bad_alloc&) {
        std::vector<char> some(std::size_t{16} << 20, 'x');  // and it goes on
        say(boot.fds.at(1).get(), "bad_alloc");
        return some.back() == 'x' ? 0 : 3;
    }
}

TEST_P(worker_launcher_test, memory_limit_gives_bad_alloc) {
#if defined(CADRE_ASAN) || defined(CADRE_TSAN)
    GTEST_SKIP() << "sanitizers map more than any limit";
#endif
    shared_crash_page crash;
    pipe_ends answer = make_pipe();
    worker_spec wish = spec(&allocate_beyond_the_limit);
    wish.memory_limit = std::uint64_t{256} << 20;
    wish.fds = {crash.fd(), answer.write.get()};
    wish.crash_fd = 0;
    const launched_worker worker = launcher_.launch(wish);
    answer.write.reset();
    EXPECT_EQ(hear(answer.read.get()), "bad_alloc");
    EXPECT_EQ(end_of(worker).status, 0);
    EXPECT_TRUE(crash.report().allocation_failed);
    EXPECT_EQ(crash.report().signal, 0);
}

TEST_P(worker_launcher_test, runs_on_the_cpus_of_the_spec) {
    cpu_set_t allowed;
    ASSERT_EQ(::sched_getaffinity(0, sizeof allowed, &allowed), 0);
    int last = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        last = CPU_ISSET(static_cast<std::size_t>(cpu), &allowed) ? cpu : last;
    worker_spec wish = spec([](worker_boot&& boot) {
        cpu_set_t mine;
        ::sched_getaffinity(0, sizeof mine, &mine);
        return CPU_COUNT(&mine) == 1 && CPU_ISSET(static_cast<std::size_t>(boot.slot), &mine) ? 0 : 1;
    });
    wish.affinity = {last};
    wish.slot = static_cast<unsigned>(last);
    EXPECT_EQ(run(wish).status, 0);
}

TEST_P(worker_launcher_test, as_many_descriptors_as_promised) {
    const unique_fd memory = make_memfd("memory", 1);
    worker_spec wish = spec([](worker_boot&& boot) { return boot.fds.size() == max_worker_fds ? 0 : 1; });
    wish.fds.assign(max_worker_fds, memory.get());
    wish.stdout_fd = STDOUT_FILENO;
    wish.stderr_fd = STDERR_FILENO;
    EXPECT_EQ(run(wish).status, 0);
    wish.fds.push_back(memory.get());
    EXPECT_THROW(static_cast<void>(launcher_.launch(wish)), std::invalid_argument);
}

TEST_P(worker_launcher_test, a_spec_that_cannot_be_honoured_is_refused) {
    worker_spec wish = spec([](worker_boot&&) { return 0; });
    wish.crash_fd = 0;
    EXPECT_THROW(static_cast<void>(launcher_.launch(wish)), std::invalid_argument);
    wish.crash_fd = -1;
    wish.crash_offset = 8;
    EXPECT_THROW(static_cast<void>(launcher_.launch(wish)), std::invalid_argument);
    wish.crash_offset = 0;
    wish.affinity = {-1};
    EXPECT_THROW(static_cast<void>(launcher_.launch(wish)), std::invalid_argument);
}

TEST_P(worker_launcher_test, leaks_neither_descriptors_nor_processes) {
    run(spec([](worker_boot&&) { return 0; }));  // the connection to the server stays
    const std::set<int> before = open_fds();
    for (int i = 0; i < 20; ++i)
        run(spec([](worker_boot&&) { return 0; }));
    EXPECT_EQ(open_fds(), before);
    // At most the fork server is left, and nothing that waits to be reaped.
    siginfo_t ended{};
    ::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT);
    EXPECT_EQ(ended.si_pid, 0);
}

TEST_P(worker_launcher_test, launches_from_several_threads) {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 5; ++i) {
                worker_spec wish = spec([](worker_boot&& boot) { return static_cast<int>(boot.slot); });
                wish.slot = static_cast<unsigned>(10 * t + i);
                const launched_worker worker = launcher_.launch(wish);
                const auto end = launcher_.wait_exit(worker.pid, guard);
                ASSERT_TRUE(end && end->status_known);
                EXPECT_EQ(WEXITSTATUS(end->status), 10 * t + i);
            }
        });
    }
}

}  // namespace
}  // namespace cadre::detail::process_os::testing
