// A fork server that a signal has stopped: it is replaced by a re-executed one, so this file comes behind those whose
// tests need workers that are forked from this process.

#include "guard.hpp"
#include "support.hpp"

#include <cadre/errors.hpp>

#include <gtest/gtest.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using clock_type = std::chrono::steady_clock;

// Far below the ten seconds that a server has for an answer.
constexpr auto soon = 5s;

TEST(stopped_fork_server, limits_and_deaths_do_not_wait_for_a_stopped_fork_server) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 2, .task_timeout = 300ms, .kill_grace = 100ms}};
    const pid_t server = cadre::sync_wait(cadre::on(ex, [] { return ::getppid(); }));
    ASSERT_GT(server, 1);
    ASSERT_EQ(::kill(server, SIGSTOP), 0);
    const auto begin = clock_type::now();
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex, die_by_signal, SIGKILL)), cadre::worker_crashed);
    EXPECT_THROW(cadre::sync_wait(cadre::on(ex, spin_for_ever)), cadre::task_killed);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
    EXPECT_LT(clock_type::now() - begin, soon);
    ::kill(server, SIGCONT);
}

}  // namespace
