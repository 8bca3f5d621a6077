#include "base/process_owner.hpp"

#include <gtest/gtest.h>

#include <csignal>

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using cadre::detail::process_owner;

int status_of(pid_t child) {
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(process_owner, is_here_in_the_process_that_made_it_only) {
    const process_owner parent;
    EXPECT_TRUE(parent.here());
    const pid_t child = ::fork();
    if (child == 0) {
        const process_owner own;
        const pid_t grandchild = ::fork();
        if (grandchild == 0) ::_exit(parent.here() || own.here() || !process_owner().here());
        ::_exit(parent.here() || !own.here() || status_of(grandchild) != 0);
    }
    EXPECT_EQ(status_of(child), 0);
    EXPECT_TRUE(parent.here());
}

TEST(process_owner, sees_a_fork_that_runs_no_fork_handlers) {
    const process_owner parent;
    const auto child = static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
    if (child == 0) ::_exit(parent.here());
    EXPECT_EQ(status_of(child), 0);
}

}  // namespace
