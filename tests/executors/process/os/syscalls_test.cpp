#include "worker_fixture.hpp"

#include "base/doorbell.hpp"

#include <cerrno>
#include <csignal>
#include <system_error>
#include <thread>

#include <fcntl.h>

namespace cadre::detail::process_os::testing {
namespace {

TEST(process_os_unique_fd, closes_and_moves) {
    unique_fd first = make_memfd("first", 1);
    const int number = first.get();
    unique_fd second = std::move(first);
    EXPECT_FALSE(first);
    EXPECT_EQ(second.get(), number);
    second = make_memfd("second", 1);
    EXPECT_LT(::fcntl(number, F_GETFD), 0);
    EXPECT_EQ(errno, EBADF);
}

TEST(process_os_syscalls, mapped_memory_cannot_shrink_or_grow) {
    const unique_fd fd = make_memfd("sealed", 8192);
    EXPECT_EQ(::fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
    EXPECT_LT(::ftruncate(fd.get(), 4096), 0);
    EXPECT_LT(::ftruncate(fd.get(), 16384), 0);
    EXPECT_LT(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE), 0);
}

TEST(process_os_syscalls, waiting_ends_with_the_limit_or_the_event) {
    const doorbell bell;
    EXPECT_FALSE(wait_readable(bell.descriptor(), 1ms));
    const std::jthread ringer([&] { bell.ring(); });
    EXPECT_TRUE(wait_readable(bell.descriptor(), -1ms));
}

TEST(process_os_syscalls, a_signal_to_a_reaped_process_goes_nowhere) {
    const pid_t pid = ::fork();
    if (pid == 0) sleep_for_ever();
    const unique_fd pidfd = open_pidfd(pid);
    EXPECT_FALSE(has_exited(pidfd.get()));
    EXPECT_TRUE(signal_process(pidfd.get(), SIGKILL));
    EXPECT_TRUE(wait_readable(pidfd.get(), guard));
    EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
    EXPECT_FALSE(signal_process(pidfd.get(), SIGKILL));
    kill_group(pidfd.get());
    EXPECT_THROW(static_cast<void>(open_pidfd(pid)), std::system_error);
}

TEST(process_os_syscalls, other_descriptors_are_closed_and_those_to_keep_are_not) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        const int keep[] = {::dup(0), ::fcntl(0, F_DUPFD, 100), ::fcntl(0, F_DUPFD, 50)};
        ::dup(0);
        ::fcntl(0, F_DUPFD, 200);
        close_other_fds(keep);
        const std::set<int> open = open_fds();
        ::_exit(open == std::set<int>{0, 1, 2, keep[0], keep[1], keep[2]} ? 0 : 1);
    }
    int status = -1;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace cadre::detail::process_os::testing
