#include "worker_fixture.hpp"

#include "process/os/fork_server.hpp"

#include <csignal>
#include <thread>

namespace cadre::detail::process_os::testing {
namespace {

worker_spec forked(worker_main_fn main) { return {.start = start_method::forkserver, .main = main}; }

int wait_for_end_of_input(worker_boot&& boot) {
    char c = 0;
    return ::read(boot.fds.at(0).get(), &c, 1) == 0 ? 5 : 6;
}

pid_t parent_of(worker_launcher& launcher) {
    const pipe_ends answer = make_pipe();
    worker_spec wish = forked([](worker_boot&& boot) {
        say(boot.fds.at(0).get(), std::to_string(::getppid()) + '\n');
        return 0;
    });
    wish.fds = {answer.write.get()};
    const launched_worker worker = launcher.launch(wish);
    const pid_t server = std::atoi(hear(answer.read.get(), '\n').c_str());
    EXPECT_TRUE(launcher.wait_exit(worker.pid, guard));
    return server;
}

TEST(process_os_fork_server, is_started_once_and_again_after_a_stop) {
    ASSERT_TRUE(start_fork_server());
    EXPECT_TRUE(start_fork_server());
    EXPECT_TRUE(fork_server_alive());
    stop_fork_server();
    EXPECT_FALSE(fork_server_alive());
    EXPECT_TRUE(start_fork_server());
    EXPECT_TRUE(fork_server_alive());
}

TEST(process_os_fork_server, its_workers_go_on_when_it_is_killed_and_a_new_one_takes_over) {
    worker_launcher launcher;
    pipe_ends hold = make_pipe();
    worker_spec wish = forked(&wait_for_end_of_input);
    wish.fds = {hold.read.get()};
    const launched_worker old = launcher.launch(wish);
    const pid_t server = parent_of(launcher);
    EXPECT_TRUE(launcher.server_alive());

    const unique_fd server_pidfd = open_pidfd(server);
    ASSERT_TRUE(signal_process(server_pidfd.get(), SIGKILL));
    ASSERT_TRUE(wait_readable(server_pidfd.get(), guard));
    ASSERT_TRUE(wait_readable(launcher.status_fd(), guard));
    EXPECT_TRUE(launcher.poll_exits().empty());
    EXPECT_FALSE(launcher.server_alive());
    EXPECT_FALSE(has_exited(old.pidfd.get()));

    // A thread, so that only re-executing the program helps.
    std::jthread other([](const std::stop_token& stop) {
        while (!stop.stop_requested())
            std::this_thread::yield();
    });
    const launched_worker young = launcher.launch(forked([](worker_boot&&) { return 9; }));
    other.request_stop();
    EXPECT_EQ(young.start, start_method::forkserver);
    EXPECT_TRUE(launcher.server_alive());
    const auto end = launcher.wait_exit(young.pid, guard);
    ASSERT_TRUE(end && end->status_known);
    EXPECT_EQ(WEXITSTATUS(end->status), 9);
    EXPECT_NE(parent_of(launcher), server);

    EXPECT_FALSE(has_exited(old.pidfd.get()));
    hold.write.reset();
    const auto lost = launcher.wait_exit(old.pid, guard);
    ASSERT_TRUE(lost);
    EXPECT_FALSE(lost->status_known);
    EXPECT_TRUE(has_exited(old.pidfd.get()));
}

TEST(process_os_fork_server, a_launch_survives_a_server_that_died_unnoticed) {
    worker_launcher launcher;
    for (int i = 0; i < 5; ++i) {
        const pid_t server = parent_of(launcher);
        ::kill(server, SIGKILL);
        const launched_worker worker = launcher.launch(forked([](worker_boot&&) { return 1; }));
        const auto end = launcher.wait_exit(worker.pid, guard);
        ASSERT_TRUE(end && end->status_known);
    }
}

TEST(process_os_fork_server, serves_several_launchers_and_forgets_those_that_go) {
    worker_launcher first;
    auto second = std::make_unique<worker_launcher>();
    const pid_t server = parent_of(first);
    EXPECT_EQ(parent_of(*second), server);
    const launched_worker left = second->launch(forked([](worker_boot&&) -> int { sleep_for_ever(); }));
    second.reset();
    EXPECT_TRUE(wait_readable(left.pidfd.get(), guard));
    EXPECT_EQ(parent_of(first), server);
}

TEST(process_os_fork_server, unread_exit_reports_do_not_block_the_server) {
    worker_launcher careless;
    worker_launcher busy;
    std::vector<launched_worker> workers;
    pipe_ends hold = make_pipe();
    for (int i = 0; i < 40; ++i) {
        worker_spec wish = forked(&wait_for_end_of_input);
        wish.fds = {hold.read.get()};
        workers.push_back(careless.launch(wish));
    }
    hold.write.reset();
    for (const launched_worker& worker : workers)
        ASSERT_TRUE(wait_readable(worker.pidfd.get(), guard));
    parent_of(busy);
    for (const launched_worker& worker : workers) {
        const auto end = careless.wait_exit(worker.pid, guard);
        ASSERT_TRUE(end && end->status_known);
        EXPECT_EQ(WEXITSTATUS(end->status), 5);
    }
}

TEST(process_os_fork_server, ignores_interrupts_and_holds_no_strays) {
    worker_launcher launcher;
    const pid_t server = parent_of(launcher);
    ::kill(server, SIGINT);
    EXPECT_EQ(parent_of(launcher), server);
    EXPECT_NE(::getsid(server), ::getsid(0));
}

}  // namespace
}  // namespace cadre::detail::process_os::testing
