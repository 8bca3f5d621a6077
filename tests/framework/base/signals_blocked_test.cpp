#include "base/signals_blocked.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace {

bool is_blocked(int signal) {
    sigset_t now;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
    return ::sigismember(&now, signal) == 1;
}

TEST(signals_blocked, holds_for_threads_that_start_meanwhile_and_is_undone) {
    bool inherited = false;
    std::thread started;
    {
        const cadre::detail::signals_blocked blocked;
        EXPECT_TRUE(is_blocked(SIGTERM));
        started = std::thread([&] { inherited = is_blocked(SIGTERM) && is_blocked(SIGUSR1); });
    }
    EXPECT_FALSE(is_blocked(SIGTERM));
    started.join();
    EXPECT_TRUE(inherited);
}

TEST(signals_blocked, keeps_what_was_blocked_before) {
    sigset_t one;
    sigset_t before;
    ::sigemptyset(&one);
    ::sigaddset(&one, SIGUSR2);
    ::pthread_sigmask(SIG_BLOCK, &one, &before);
    {
        const cadre::detail::signals_blocked blocked;
    }
    EXPECT_TRUE(is_blocked(SIGUSR2));
    EXPECT_FALSE(is_blocked(SIGTERM));
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace
