// Memory for a part of a file in memory.

#include "base/mapped_memory.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using cadre::detail::reserve_memory;

constexpr std::uint64_t size = (std::uint64_t{8} << 20) + 4096;

// As if frequent signals left time for small parts only: whether a signal interrupts the call depends on the kernel.
bool interrupt_large_reservations() {
    constexpr unsigned largest = 1 << 20;
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args) + 3 * sizeof(std::uint64_t)),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, largest, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINTR),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{6, filter};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

int reserve_with_interruptions(int fd) {
    if (!interrupt_large_reservations()) return 2;
    if (::syscall(SYS_fallocate, fd, 0, 0, size) == 0 || errno != EINTR) return 3;
    return reserve_memory(fd, 0, size) == 0 ? 0 : 1;
}

TEST(mapped_memory, signals_do_not_interrupt_a_reservation) {
    const int fd = ::memfd_create("reservation", MFD_CLOEXEC);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(::ftruncate(fd, static_cast<off_t>(size)), 0);
    const pid_t child = ::fork();
    if (child == 0) ::_exit(reserve_with_interruptions(fd));
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    struct stat s{};
    ASSERT_EQ(::fstat(fd, &s), 0);
    EXPECT_EQ(static_cast<std::uint64_t>(s.st_blocks) * 512, size);
    ::close(fd);
}

TEST(mapped_memory, a_refused_reservation_has_the_error_of_the_system) {
    EXPECT_EQ(reserve_memory(-1, 0, 4096), EBADF);
    EXPECT_EQ(reserve_memory(-1, 0, 0), 0);
}

}  // namespace
