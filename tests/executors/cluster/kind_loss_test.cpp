// Executors of kind `cluster` whose agents, program or broker end without notice.

#include "agent_process.hpp"
#include "executors/process/guard.hpp"
#include "executors/process/support.hpp"

#include "base/host_name.hpp"

#include <cadre/as_outcome.hpp>
#include <cadre/errors.hpp>
#include <cadre/map.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <ranges>
#include <string>
#include <thread>

namespace cadre::test {
namespace {

using namespace cadre::process_tests;

class ClusterLoss : public testing::Test {
protected:
    void SetUp() override {
        if (const std::string reason = private_broker::missing(); !reason.empty()) {
            GTEST_SKIP() << reason;
        }
        private_broker::instance();
    }
    [[nodiscard]] std::string fifo() const { return private_broker::instance().folder() + "/" + group; }

    const std::string group = std::string("loss.") + testing::UnitTest::GetInstance()->current_test_info()->name();
    const hang_guard guard;
};

int begin_and_spin_at(const std::string& path) {
    begun_calls::report(path);
    return spin_for_ever();
}

// Its second run returns.
int spin_once(const std::string& path, const std::string& mark) {
    const int fd = ::open(mark.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return 8;
    ::close(fd);
    return begin_and_spin_at(path);
}

TEST_F(ClusterLoss, the_calls_of_a_killed_agent_fail_and_the_executor_goes_on) {
    const begun_calls begun(fifo());
    own_process victim = start_agent(group);
    const executor ex = make_cluster(group, 1);
    auto job = spawn(ex, begin_and_spin_at, begun.path());
    const pid_t worker = begun.next();
    auto waits = spawn(ex, plus_one, 1);  // behind it: no worker has begun it
    const own_process heir = start_agent(group);
    const auto killed = std::chrono::steady_clock::now();
    victim.send(SIGKILL);
    try {
        sync_wait(wait_for(std::move(job)));
        FAIL();
    } catch (const worker_lost& e) {
        EXPECT_NE(std::string(e.what()).find(detail::host_name()), std::string::npos) << e.what();
    }
    EXPECT_LT(std::chrono::steady_clock::now() - killed, 2s);
    EXPECT_TRUE(ends_within(worker, 2'000));
    // The agent had taken it, too: it may have begun.
    if (const auto o = sync_wait(as_outcome(std::move(waits))); o.has_value()) {
        EXPECT_EQ(*o, 2);
    } else {
        EXPECT_THROW((void)o.value(), worker_lost);
    }
    EXPECT_EQ(sync_wait(on(ex, plus_one, 1)), 2);
}

TEST_F(ClusterLoss, retries_repeat_a_call_on_another_host) {
    const begun_calls begun(fifo());
    const std::string mark = fifo() + ".mark";
    ::unlink(mark.c_str());
    own_process victim = start_agent(group);
    const executor ex = make_cluster(group, 1, {.retries = 1});
    auto job = spawn(ex, spin_once, begun.path(), mark);
    static_cast<void>(begun.next());
    const own_process heir = start_agent(group);
    victim.send(SIGKILL);
    EXPECT_EQ(sync_wait(wait_for(std::move(job))), 8);
    EXPECT_EQ(ex.stats().retried, 1u);
}

int slow_plus_one(int x) {
    compute_for(500us);
    return x + 1;
}

TEST_F(ClusterLoss, a_map_ends_when_an_agent_is_killed) {
    const own_process stays = start_agent(group);
    own_process victim = start_agent(group);
    const executor ex = make_cluster(group, 2);
    std::thread killer([&] {
        while (ex.stats().done < 10)  // of a hundred chunks
            std::this_thread::yield();
        victim.send(SIGKILL);
    });
    const auto all = sync_wait(map_outcomes(ex, slow_plus_one, std::views::iota(0, 2000), {.chunk = 20}));
    killer.join();
    std::size_t lost = 0;
    for (std::size_t i = 0; i != all.size(); ++i)
        if (all[i].has_value()) {
            EXPECT_EQ(*all[i], static_cast<int>(i) + 1);
        } else if (++lost) {
            EXPECT_THROW((void)all[i].value(), worker_lost) << all[i].what();
        }
    EXPECT_LT(lost, 500u);
    EXPECT_EQ(sync_wait(on(ex, plus_one, 1)), 2);
}

TEST_F(ClusterLoss, what_runs_when_the_broker_dies_is_lost_and_all_goes_on_after_its_restart) {
    const begun_calls begun(fifo());
    const own_process agent = start_agent(group);
    const executor ex = make_cluster(group, 1);
    auto job = spawn(ex, begin_and_spin_at, begun.path());
    const pid_t worker = begun.next();
    private_broker::instance().kill();
    EXPECT_THROW((void)sync_wait(wait_for(std::move(job))), worker_lost);
    EXPECT_TRUE(ends_within(worker, 5'000));  // nobody waits for it
    auto waits = spawn(ex, plus_one, 1);
    private_broker::instance().restart();
    EXPECT_EQ(sync_wait(wait_for(std::move(waits))), 2);
    EXPECT_EQ(agent.pid() > 0 && !ends_within(agent.pid(), 0), true);
}

// What `a_program_that_is_killed` starts.
TEST(ClusterProgram, DISABLED_runs_until_it_is_killed) {
    const char* const path = std::getenv("CADRE_TEST_FIFO");
    ASSERT_NE(path, nullptr);
    const executor ex = make_cluster_executor({.host = {.workers = 1}, .local = false});
    sync_wait(on(ex, begin_and_spin_at, std::string(path)));
}

TEST_F(ClusterLoss, a_program_that_is_killed_leaves_no_work_behind) {
    const begun_calls begun(fifo());
    const own_process agent = start_agent(group);
    const own_process program(
        {"--gtest_filter=ClusterProgram.DISABLED_runs_until_it_is_killed", "--gtest_also_run_disabled_tests"},
        {"CADRE_CLUSTER_URL=" + private_broker::instance().url(), "CADRE_CLUSTER_NAME=" + group,
         "CADRE_TEST_FIFO=" + begun.path()});
    const pid_t worker = begun.next();
    program.send(SIGKILL);
    EXPECT_TRUE(ends_within(worker, 5'000));
    const executor next = make_cluster(group, 1);
    EXPECT_EQ(sync_wait(on(next, plus_one, 1)), 2);
}

}  // namespace
}  // namespace cadre::test
