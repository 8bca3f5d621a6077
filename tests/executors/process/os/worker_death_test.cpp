// A worker's children end with the worker, and the workers with their parent.

#include "worker_fixture.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <vector>

namespace cadre::detail::process_os::testing {
namespace {

[[noreturn]] void compute_for_ever() {
    for (volatile unsigned long n = 0;;)
        n = n + 1;
}

// Starts two children in its group, one asleep and one in a tight loop, and reports their ids.
std::vector<pid_t> start_children() {
    std::vector<pid_t> children;
    for (int i = 0; i < 2; ++i) {
        const pid_t pid = ::fork();
        if (pid == 0) i == 0 ? compute_for_ever() : sleep_for_ever();
        children.push_back(pid);
    }
    return children;
}

void say_pids(int fd, const std::vector<pid_t>& pids) {
    std::string text;
    for (const pid_t pid : pids)
        text += std::to_string(pid) + ' ';
    say(fd, text + '\n');
}

std::vector<unique_fd> hear_pids(int fd) {
    std::vector<unique_fd> pidfds;
    const std::string text = hear(fd, '\n');
    for (const char *at = text.data(), *end = at + text.size(); at < end; ++at) {
        pid_t pid = 0;
        at = std::from_chars(at, end, pid).ptr;
        pidfds.push_back(open_pidfd(pid));
    }
    return pidfds;
}

void expect_all_gone(const std::vector<unique_fd>& pidfds) {
    const auto end = std::chrono::steady_clock::now() + guard;
    for (const unique_fd& pidfd : pidfds) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        EXPECT_TRUE(wait_readable(pidfd.get(), std::max(left, 0ms)));
    }
}

// A worker that has reported processes through its first descriptor. Its second one becomes readable when `go` closes.
struct reporting_worker {
    launched_worker worker;
    std::vector<unique_fd> reported;
    unique_fd pids;
    unique_fd go;
};

class worker_death_test : public worker_test {
protected:
    reporting_worker launch(worker_main_fn main, std::size_t processes) {
        pipe_ends pids = make_pipe();
        pipe_ends go = make_pipe();
        worker_spec wish = spec(main);
        wish.fds = {pids.write.get(), go.read.get()};
        launched_worker worker = launcher_.launch(wish);
        std::vector<unique_fd> reported = hear_pids(pids.read.get());
        EXPECT_EQ(reported.size(), processes);
        return {std::move(worker), std::move(reported), std::move(pids.read), std::move(go.write)};
    }
};
INSTANTIATE_TEST_SUITE_P(, worker_death_test, ::testing::Values(start_method::forkserver, start_method::spawn),
                         method_name);

int have_children_and_compute(worker_boot&& boot) {
    say_pids(boot.fds.at(0).get(), start_children());
    compute_for_ever();
}

int have_children_and_crash(worker_boot&& boot) {
    say_pids(boot.fds.at(0).get(), start_children());
    char c = 0;
    if (::read(boot.fds.at(1).get(), &c, 1) != 0) return 1;
    std::abort();
}

TEST_P(worker_death_test, kill_group_takes_the_children_too) {
    const reporting_worker w = launch(&have_children_and_compute, 2);
    kill_group(w.worker.pidfd.get());
    EXPECT_EQ(WTERMSIG(end_of(w.worker).status), SIGKILL);
    expect_all_gone(w.reported);
}

TEST_P(worker_death_test, a_crash_takes_the_children_too) {
    reporting_worker w = launch(&have_children_and_crash, 2);
    w.go.reset();
    EXPECT_EQ(WTERMSIG(end_of(w.worker).status), SIGABRT);
    expect_all_gone(w.reported);
}

// A descriptor that takes no signals stands for a worker that this process may not signal.
TEST_P(worker_death_test, a_worker_that_may_not_be_signalled_is_killed_by_its_lifeline) {
    const pipe_ends pids = make_pipe();
    worker_spec wish = spec(&have_children_and_compute);
    wish.fds = {pids.write.get()};
    launched_worker worker = launcher_.launch(wish);
    const std::vector<unique_fd> children = hear_pids(pids.read.get());
    ASSERT_EQ(children.size(), 2u);
    worker.pidfd = duplicate(STDERR_FILENO);
    launcher_.kill(worker);
    EXPECT_EQ(WTERMSIG(end_of(worker).status), SIGKILL);
    expect_all_gone(children);
}

TEST_P(worker_death_test, a_worker_without_lifeline_that_may_not_be_signalled_is_killed_by_the_fork_server) {
    if (GetParam() != start_method::forkserver) {
        GTEST_SKIP() << "a spawned worker has no fork server";
    }
    const pipe_ends pids = make_pipe();
    worker_spec wish = spec(&have_children_and_compute);
    wish.fds = {pids.write.get()};
    launched_worker worker = launcher_.launch(wish);
    const std::vector<unique_fd> children = hear_pids(pids.read.get());
    ASSERT_EQ(children.size(), 2u);
    const unique_fd copy = duplicate(worker.lifeline.get());  // as a fork of the program has one
    worker.pidfd = duplicate(STDERR_FILENO);
    launcher_.kill(worker);
    EXPECT_EQ(WTERMSIG(end_of(worker).status), SIGKILL);
    expect_all_gone(children);
}

TEST_P(worker_death_test, closing_the_lifeline_kills_the_group) {
    reporting_worker w = launch(&have_children_and_compute, 2);
    w.worker.lifeline.reset();
    EXPECT_EQ(WTERMSIG(end_of(w.worker).status), SIGKILL);
    expect_all_gone(w.reported);
}

TEST_P(worker_death_test, a_lifeline_closed_before_the_worker_holds_it_kills_too) {
    for (int i = 0; i < 10; ++i) {
        launched_worker worker = launcher_.launch(spec([](worker_boot&&) -> int { sleep_for_ever(); }));
        worker.lifeline.reset();
        const worker_exit end = end_of(worker);
        EXPECT_TRUE(WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGKILL) << end.status;
    }
}

// A separate program: starts workers in both ways, reports their ids and their children's, and never ends.
int be_a_parent(worker_boot&& boot) {
    static worker_launcher launcher;
    static std::vector<launched_worker> workers;
    for (const start_method start : {start_method::forkserver, start_method::spawn}) {
        const pipe_ends pids = make_pipe();
        worker_spec wish{.start = start, .main = &have_children_and_compute};
        wish.fds = {pids.write.get()};
        workers.push_back(launcher.launch(wish));
        std::string line = hear(pids.read.get(), '\n');
        line += std::to_string(workers.back().pid) + " \n";
        say(boot.fds.at(0).get(), line);
    }
    compute_for_ever();
}

TEST_P(worker_death_test, all_workers_and_their_children_go_when_the_parent_is_killed) {
    const reporting_worker parent = launch(&be_a_parent, 3);
    const std::vector<unique_fd> spawned = hear_pids(parent.pids.get());
    ASSERT_EQ(spawned.size(), 3u);
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_TRUE(signal_process(parent.worker.pidfd.get(), SIGKILL));
    expect_all_gone(parent.reported);
    expect_all_gone(spawned);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
    end_of(parent.worker);
}

// If two generations of processes die together, no process is left to report it.
int fork_without_exec_and_die(worker_boot&& boot) {
    static worker_launcher launcher;
    const pipe_ends pids = make_pipe();
    static launched_worker worker;
    worker_spec wish{.main = &have_children_and_compute};
    wish.fds = {pids.write.get()};
    worker = launcher.launch(wish);
    const std::string line = hear(pids.read.get(), '\n') + std::to_string(worker.pid) + " \n";
    if (::fork() == 0) {
        // Leaves the group and holds copies of the lifelines and of the server's socket.
        ::setsid();
        say(boot.fds.at(0).get(), line);
        char c = 0;
        ::_exit(::read(boot.fds.at(1).get(), &c, 1) != 0);
    }
    compute_for_ever();
}

TEST_P(worker_death_test, forked_workers_go_although_a_plain_child_of_the_parent_lives_on) {
    reporting_worker parent = launch(&fork_without_exec_and_die, 3);
    ASSERT_TRUE(signal_process(parent.worker.pidfd.get(), SIGKILL));
    expect_all_gone(parent.reported);
    parent.go.reset();
    end_of(parent.worker);
}

}  // namespace
}  // namespace cadre::detail::process_os::testing
