// File descriptors in calls to worker processes: who owns them, when they are closed, and what happens if there is none
// free.

#include "descriptors.hpp"
#include "guard.hpp"
#include "no_free_descriptors.hpp"
#include "support.hpp"

#include <cadre/bind_portable.hpp>
#include <cadre/errors.hpp>
#include <cadre/map.hpp>
#include <cadre/this_task.hpp>
#include <cadre/unique_fd.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;
using cadre::unique_fd;

TEST(process_descriptors, arrive_close_on_exec_under_a_number_of_their_own) {
    const executor ex = process_executor{{.workers = 1}};
    auto [read, write] = make_pipe();
    ASSERT_EQ(::fcntl(write.get(), F_SETFD, 0), 0);
    EXPECT_TRUE(cadre::sync_wait(cadre::on(ex, close_on_exec, std::move(write))));
}

TEST(process_descriptors, are_closed_on_both_sides_when_the_call_has_ended) {
    const executor ex = process_executor{{.workers = 1}};
    auto [read, write] = make_pipe();
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, write_byte, std::move(write), 'x')), 1);
    EXPECT_EQ(read_byte(read), 'x');
    EXPECT_EQ(read_byte(read), -1);
}

// A job whose handle lives on holds no descriptor.
TEST(process_descriptors, of_a_job_are_closed_when_it_has_ended) {
    const executor ex = process_executor{{.workers = 1}};
    auto [read, write] = make_pipe();
    const auto job = cadre::spawn(ex, write_byte, std::move(write), 'x');
    EXPECT_EQ(read_byte(read), 'x');
    EXPECT_EQ(read_byte(read), -1);
}

int write_or_die(unique_fd fd, unique_fd alive) {
    char token = 0;
    if (::read(alive.get(), &token, 1) == 1) ::raise(SIGKILL);  // the first one to come dies
    return write_byte(std::move(fd), 'y');
}

TEST(process_descriptors, are_sent_again_with_a_call_that_is_repeated) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1, .retries = 1}};
    auto [read, write] = make_pipe();
    auto [token, put] = make_pipe();
    ASSERT_EQ(::write(put.get(), "t", 1), 1);
    put.reset();
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, write_or_die, std::move(write), std::move(token))), 1);
    EXPECT_EQ(read_byte(read), 'y');
    EXPECT_EQ(read_byte(read), -1);
}

TEST(process_descriptors, are_closed_when_their_worker_dies) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1}};
    auto [read, write] = make_pipe();
    auto [token, put] = make_pipe();
    ASSERT_EQ(::write(put.get(), "t", 1), 1);
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex, write_or_die, std::move(write), std::move(token))),
                 cadre::worker_crashed);
    EXPECT_EQ(read_byte(read), -1);
}

// The only worker computes: the call has not begun, and no copy of its descriptor has left this process.
TEST(process_descriptors, of_a_withdrawn_call_are_closed_at_once) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1}};
    const cadre::channel<int> begun(ex, 1);
    auto busy = cadre::spawn(ex, begin_and_compute_until_stopped, begun);
    (void)run([](auto ch) -> task<std::optional<int>> { co_return co_await ch.receive(); }, begun);
    auto [read, write] = make_pipe();
    {
        auto waiting = cadre::spawn(ex, write_byte, std::move(write), 'x');
        waiting.request_stop();
        EXPECT_THROW(run([](auto j) -> task<int> { co_return co_await j; }, std::move(waiting)), cadre::cancelled);
    }
    EXPECT_EQ(read_byte(read), -1);
    busy.request_stop();
}

// The worker is killed while calls with descriptors wait behind the one that runs.
TEST(process_descriptors, of_calls_that_have_not_begun_move_on_with_them) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1}};
    const cadre::channel<int> begun(ex, 1);
    auto busy = cadre::spawn(ex, begin_and_spin, begun);
    (void)run([](auto ch) -> task<std::optional<int>> { co_return co_await ch.receive(); }, begun);
    std::vector<unique_fd> ends;
    std::vector<cadre::job<int>> jobs;
    for (int i = 0; i < 50; ++i) {
        auto [read, write] = make_pipe();
        ends.push_back(std::move(read));
        jobs.push_back(cadre::spawn(ex, write_byte, std::move(write), 'm'));
    }
    ::kill(busy.worker_pid(), SIGKILL);
    for (auto& j : jobs)
        EXPECT_EQ(run([](auto one) -> task<int> { co_return co_await one; }, std::move(j)), 1);
    for (const unique_fd& read : ends)
        EXPECT_EQ(read_byte(read), 'm');
}

struct connection {
    std::string peer;
    unique_fd socket;
};

std::tuple<int, connection, std::vector<unique_fd>> pass_back(connection c, std::vector<unique_fd> more) {
    const int n = static_cast<int>(more.size());
    return {n, std::move(c), std::move(more)};
}

TEST(process_descriptors, travel_inside_other_values_and_back) {
    const executor ex = process_executor{{.workers = 1}};
    auto [read, write] = make_pipe();
    std::vector<unique_fd> more;
    more.push_back(copy_of(read));
    more.emplace_back();  // an empty one stays empty
    more.push_back(std::move(read));
    auto [n, c, back] = cadre::sync_wait(cadre::on(ex, pass_back, connection{"me", std::move(write)}, std::move(more)));
    EXPECT_EQ(n, 3);
    EXPECT_EQ(c.peer, "me");
    ASSERT_EQ(back.size(), 3u);
    EXPECT_FALSE(back[1]);
    EXPECT_TRUE(close_on_exec(c.socket));
    EXPECT_EQ(write_byte(std::move(c.socket), 'b'), 1);
    EXPECT_EQ(read_byte(back[0]), 'b');
    EXPECT_EQ(read_byte(back[2]), -1);
}

TEST(process_descriptors, are_limited_in_each_direction) {
    const executor ex = process_executor{{.workers = 1}};
    constexpr int maximum = static_cast<int>(cadre::max_descriptors_per_call);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, count, open_many(maximum))), maximum);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, open_many, maximum)).size(), cadre::max_descriptors_per_call);
    const std::string there =
        what_of<cadre::not_portable>([&] { (void)cadre::sync_wait(cadre::on(ex, count, open_many(maximum + 1))); });
    EXPECT_NE(there.find("121 file descriptors are too many"), std::string::npos) << there;
    const std::string back =
        what_of<cadre::not_portable>([&] { (void)cadre::sync_wait(cadre::on(ex, open_many, maximum + 1)); });
    EXPECT_NE(back.find("121 file descriptors are too many"), std::string::npos) << back;
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

TEST(process_descriptors, that_are_closed_already_are_an_error_of_the_call) {
    const executor ex = process_executor{{.workers = 1}};
    unique_fd closed = open_null();
    ::close(closed.get());
    try {
        (void)cadre::sync_wait(cadre::on(ex, close_on_exec, std::move(closed)));
        FAIL() << "did not throw";
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code().value(), EBADF) << e.what();
    }
}

int take_all_descriptors() {
    rlimit small{};
    ::getrlimit(RLIMIT_NOFILE, &small);
    small.rlim_cur = 512;
    ::setrlimit(RLIMIT_NOFILE, &small);
    static std::vector<int> taken;
    for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
        taken.push_back(fd);
    return static_cast<int>(taken.size());
}

TEST(process_descriptors, that_their_worker_has_no_room_for_are_an_error_of_the_call) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1}};
    EXPECT_GT(cadre::sync_wait(cadre::on(ex, take_all_descriptors)), 0);
    for (int i = 0; i < 3; ++i) {
        try {
            (void)cadre::sync_wait(cadre::on(ex, close_on_exec, open_null()));
            FAIL() << "did not throw";
        } catch (const std::system_error& e) {
            EXPECT_EQ(e.code().value(), EMFILE) << e.what();
        }
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    }
}

TEST(process_descriptors, that_this_process_has_no_room_for_are_an_error_of_the_call) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 1}};
    std::string text;
    {
        const cadre::tests::no_free_descriptors none;
        text = what_of<std::system_error>([&] { (void)cadre::sync_wait(cadre::on(ex, open_many, 3)); });
    }
    EXPECT_NE(text.find("was lost"), std::string::npos) << text;
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, open_many, 3)).size(), 3u);
}

// A channel between processes is read by any of them.
TEST(process_descriptors, do_not_go_through_a_channel_between_processes) {
    const executor ex = process_executor{{.workers = 1}};
    const cadre::channel<connection> ch(ex, 4);
    const std::string text = what_of<cadre::not_portable>([&] { (void)ch.try_send(connection{"me", open_null()}); });
    EXPECT_NE(text.find("only as an argument or result of a call"), std::string::npos) << text;
    EXPECT_TRUE(ch.try_send(connection{"nobody", {}}));
    EXPECT_EQ(ch.try_receive()->peer, "nobody");
}

int fail_with(unique_fd, unique_fd) { throw std::runtime_error("no"); }

// Descriptors in every state of a call: answered, failed, retried, dropped, withdrawn.
TEST(process_descriptors, none_is_left_open) {
    const hang_guard guard(120s);
    const executor ex = process_executor{{.workers = 2, .retries = 1}};
    const auto rounds = [&](int n) {
        for (int i = 0; i < n; ++i) {
            (void)cadre::sync_wait(cadre::on(ex, open_many, 5));
            (void)cadre::sync_wait(cadre::on(ex, count, open_many(5)));
            auto dropped = cadre::spawn(ex, open_many, 5);
            {
                auto withdrawn = cadre::spawn(ex, count, open_many(5));
            }
            auto [read, write] = make_pipe();
            auto [token, put] = make_pipe();
            EXPECT_EQ(::write(put.get(), "t", 1), 1);
            put.reset();
            if (i % 10 == 0)
                (void)cadre::sync_wait(cadre::on(ex, write_or_die, std::move(write), std::move(token)));
            else
                EXPECT_THROW((void)cadre::sync_wait(cadre::on(ex, fail_with, std::move(write), std::move(token))),
                             std::runtime_error);
        }
    };
    rounds(1);
    const std::size_t before = open_descriptors();
    const std::size_t there = cadre::sync_wait(cadre::on(ex, open_descriptors));
    rounds(30);
    // Results of dropped calls may still arrive; their descriptors are closed then.
    while (open_descriptors() > before + 4 || cadre::sync_wait(cadre::on(ex, open_descriptors)) > there + 4)
        std::this_thread::sleep_for(1ms);
}

}  // namespace
