// Executors of kind `cluster` with agents in processes of their own, through a broker.

#include "agent_process.hpp"
#include "executors/process/guard.hpp"
#include "executors/process/support.hpp"

#include "base/host_name.hpp"

#include <cadre/as_outcome.hpp>
#include <cadre/async_mutex.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/make_executor.hpp>
#include <cadre/map.hpp>
#include <cadre/reduce.hpp>
#include <cadre/register_exception.hpp>
#include <cadre/runtime.hpp>
#include <cadre/shared_array.hpp>
#include <cadre/this_task.hpp>
#include <cadre/timeout.hpp>

#include <gtest/gtest.h>

#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace cadre::test {
namespace {

using namespace cadre::process_tests;

class ClusterKind : public testing::Test {
protected:
    void SetUp() override {
        if (const std::string reason = private_broker::missing(); !reason.empty()) {
            GTEST_SKIP() << reason;
        }
        private_broker::instance();
    }
    [[nodiscard]] std::string fifo() const { return private_broker::instance().folder() + "/" + group; }

    const std::string group = std::string("kind.") + testing::UnitTest::GetInstance()->current_test_info()->name();
    const hang_guard guard;
};

/// Waits until the executor has so many workers: agents come and go by themselves.
bool has_workers(const executor& ex, std::size_t count) {
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < limit) {
        if (ex.stats().workers == count) return true;
        std::this_thread::sleep_for(2ms);
    }
    return false;
}

int refuse(int x) { throw std::invalid_argument("refused " + std::to_string(x)); }
std::size_t size_of(const std::string& text) { return text.size(); }
task<int> plus_one_elsewhere(executor ex, int x) { co_return co_await on(ex, plus_one, x); }
task<int> plus_one_on_own_executor(int x) {
    const executor ex = co_await this_task::executor();
    co_return co_await on(ex, plus_one, x);
}

TEST_F(ClusterKind, calls_give_results_and_errors) {
    const own_process agent = start_agent(group);
    const executor ex = make_cluster(group, 1);
    EXPECT_EQ(ex.kind(), executor_kind::cluster);
    EXPECT_EQ(ex.name(), group);
    EXPECT_EQ(ex.concurrency(), 1u);
    EXPECT_EQ(sync_wait(on(ex, plus_one, 41)), 42);
    EXPECT_NE(sync_wait(on(ex, worker_pid)), ::getpid());
    try {
        sync_wait(on(ex, refuse, 7));
        FAIL();
    } catch (const std::invalid_argument& e) {
        EXPECT_STREQ(e.what(), "refused 7");
        EXPECT_NE(error_origin(e).find(detail::host_name()), std::string::npos) << error_origin(e);
    }
    EXPECT_EQ(sync_wait(on(ex, size_of, std::string(70 << 20, 'x'))), std::size_t{70} << 20);  // more than a message
}

TEST_F(ClusterKind, calls_nest_and_handles_travel) {
    const own_process agent = start_agent(group);
    const executor ex = make_cluster(group, 1);
    EXPECT_EQ(sync_wait(on(ex, plus_one_elsewhere, ex, 1)), 2);
    EXPECT_EQ(sync_wait(on(ex, plus_one_on_own_executor, 1)), 2);
}

int square_or_die(int x) {
    if (x == 57) ::raise(SIGKILL);
    return x * x;
}

TEST_F(ClusterKind, maps_run_on_all_agents_and_lose_one_item_of_a_crash) {
    const own_process agents = start_agent(group, {"--agents=2"});
    const executor ex = make_cluster(group, 2);
    EXPECT_EQ(ex.concurrency(), 2u);
    EXPECT_EQ(sync_wait(reduce(ex, plus_one, std::plus<>{}, std::views::iota(0, 20'000), 0)), 200'010'000);
    const auto pids = sync_wait(map(ex,
                                    +[](int) {
                                        compute_for(2ms);
                                        return worker_pid();
                                    },
                                    std::views::iota(0, 60), {.chunk = 1}));
    EXPECT_EQ(std::set<pid_t>(pids.begin(), pids.end()).size(), 2u);
    const auto squares = sync_wait(map_outcomes(ex, square_or_die, std::views::iota(0, 200), {.chunk = 10}));
    for (std::size_t i = 0; i != squares.size(); ++i)
        if (i == 57) {
            EXPECT_THROW((void)squares[i].value(), worker_crashed);
        } else {
            EXPECT_EQ(squares[i].value(), static_cast<int>(i * i));
        }
}

task<void> stops(executor ex, const begun_calls& begun) {
    const auto compute = +[](const std::string& path) {
        begun_calls::report(path);
        return compute_until_stopped();
    };
    auto asked = spawn(ex, compute, begun.path());
    static_cast<void>(begun.next());
    asked.request_stop();
    EXPECT_EQ(co_await asked, 77);
    auto killed = spawn(
        ex,
        +[](const std::string& path) {
            begun_calls::report(path);
            return spin_for_ever();
        },
        begun.path());
    static_cast<void>(begun.next());
    killed.kill();
    EXPECT_THROW((void)co_await killed, task_killed);
    EXPECT_THROW((void)co_await timeout(50ms, on(ex, spin_for_ever)), timed_out);
    EXPECT_EQ(co_await on(ex, plus_one, 1), 2);
}

TEST_F(ClusterKind, stop_requests_and_limits_reach_the_work) {
    const begun_calls begun(fifo());
    const own_process agent = start_agent(group);
    sync_wait(stops(make_cluster(group, 1, {.kill_grace = 50ms}), begun));
}

TEST_F(ClusterKind, agents_join_later_and_leave_in_order) {
    const begun_calls begun(fifo());
    own_process first = start_agent(group);
    const executor ex = make_cluster(group, 1);
    auto job = spawn(
        ex,
        +[](const std::string& path) {
            begun_calls::report(path);
            compute_for(300ms);
            return 5;
        },
        begun.path());
    static_cast<void>(begun.next());
    first.send(SIGTERM);
    EXPECT_EQ(sync_wait(wait_for(std::move(job))), 5);
    EXPECT_EQ(first.wait(), 0);
    EXPECT_TRUE(has_workers(ex, 0));
    auto waits = spawn(ex, plus_one, 1);  // for the next one
    own_process second = start_agent(group);
    EXPECT_EQ(sync_wait(wait_for(std::move(waits))), 2);
    own_process others = start_agent(group, {"--agents=2"});
    EXPECT_TRUE(has_workers(ex, 3));
    others.send(SIGINT);
    EXPECT_EQ(others.wait(), 0);
    EXPECT_TRUE(has_workers(ex, 1));
    EXPECT_EQ(sync_wait(on(ex, plus_one, 2)), 3);
}

TEST_F(ClusterKind, the_second_signal_ends_an_agent_at_once) {
    const begun_calls begun(fifo());
    own_process agent = start_agent(group);
    const executor ex = make_cluster(group, 1);
    auto job = spawn(
        ex,
        +[](const std::string& path) {
            begun_calls::report(path);
            return spin_for_ever();
        },
        begun.path());
    const pid_t worker = begun.next();
    agent.send(SIGTERM);
    EXPECT_FALSE(ends_within(agent.pid(), 200));  // the call goes on
    agent.send(SIGTERM);
    EXPECT_EQ(agent.wait(), 128 + SIGTERM);
    EXPECT_TRUE(ends_within(worker, 2'000));
    EXPECT_THROW((void)sync_wait(wait_for(std::move(job))), worker_lost);
}

TEST_F(ClusterKind, the_program_takes_part_and_needs_no_agent) {
    const executor ex = make_executor("cluster:2,url=" + private_broker::instance().url() + ",name=" + group);
    EXPECT_EQ(ex.name(), "cluster");
    EXPECT_EQ(ex.concurrency(), 2u);
    EXPECT_EQ(sync_wait(on(ex, plus_one, 1)), 2);
    const own_process agent = start_agent(group);
    EXPECT_TRUE(has_workers(ex, 4));
}

TEST_F(ClusterKind, an_agent_serves_one_program_after_the_other) {
    const own_process agent = start_agent(group);
    for (int i = 0; i != 3; ++i) {
        const executor ex = make_cluster(group, 1);
        EXPECT_EQ(sync_wait(on(ex, plus_one, i)), i + 1);
        sync_wait(ex.shutdown(5s));
    }
}

task<int> send_and_count(channel<int> out, async_mutex mutex, int n) {
    const auto guard = co_await mutex.lock();
    for (int i = 0; i < n; ++i)
        co_await out.send(i);
    co_return n;
}

TEST_F(ClusterKind, channels_and_locks_work_on_all_hosts) {
    const own_process first = start_agent(group);
    const own_process second = start_agent(group);
    const executor ex = make_cluster(group, 2);
    const channel<int> numbers(ex, 4);
    const async_mutex mutex(ex);
    sync_wait([](executor on_hosts, channel<int> in, async_mutex m) -> task<void> {
        job<int> one = spawn(on_hosts, send_and_count, in, m, 20);
        job<int> other = spawn(on_hosts, send_and_count, in, m, 20);
        int next = 0;
        for (int i = 0; i < 40; ++i) {  // the mutex keeps them apart
            const auto number = co_await in.receive();
            EXPECT_EQ(number, next);
            next = (next + 1) % 20;
        }
        const int sent = co_await std::move(one) + co_await std::move(other);
        EXPECT_EQ(sent, 40);
    }(ex, numbers, mutex));
}

TEST_F(ClusterKind, other_objects_are_refused_by_a_sentence) {
    const own_process agent = start_agent(group);
    const executor ex = make_cluster(group, 1);
    EXPECT_NE(what_of<not_portable>([&] { shared_array<int>(ex, 1); }).find("several hosts has no memory for arrays"),
              std::string::npos);
}

// What `the_processes_of_an_srun_end_with_its_program` starts.
TEST(ClusterProgram, DISABLED_calls_and_ends) {
    config c;
    c.executor = std::getenv("CADRE_TEST_EXECUTOR");
    runtime rt(std::move(c));  // the other processes of the `srun` become agents here
    const executor ex = rt.executor();
    EXPECT_EQ(ex.stats().workers, 3u);  // its own and those of two agents
    EXPECT_EQ(sync_wait(reduce(ex, plus_one, std::plus<>{}, std::views::iota(0, 1000), 0)), 500'500);
}

// A process as `srun` starts it.
own_process start_rank(int rank, const std::string& executor) {
    return {{"--gtest_filter=ClusterProgram.DISABLED_calls_and_ends", "--gtest_also_run_disabled_tests"},
            {"CADRE_CLUSTER_URL=" + private_broker::instance().url(),
             "CADRE_CLUSTER_NAME=", "CADRE_TEST_EXECUTOR=" + executor, "SLURM_JOB_ID=" + std::to_string(::getpid()),
             "SLURM_STEP_ID=0", "SLURM_STEP_NUM_TASKS=3", "SLURM_PROCID=" + std::to_string(rank)}};
}

TEST_F(ClusterKind, the_processes_of_an_srun_end_with_its_program) {
    own_process first_agent = start_rank(1, "cluster:1");
    own_process program = start_rank(0, "cluster:1");
    own_process second_agent = start_rank(2, "cluster:1");
    EXPECT_EQ(program.wait(), 0);
    EXPECT_EQ(first_agent.wait(), 0);
    EXPECT_EQ(second_agent.wait(), 0);
}

TEST_F(ClusterKind, an_agent_of_an_srun_ends_if_no_program_comes) {
    EXPECT_EQ(start_rank(1, "cluster:nodes_wait=200ms").wait(), 2);
}

TEST_F(ClusterKind, mistakes_on_the_command_line_of_an_agent_are_refused) {
    for (const char* const wrong : {"--agnts=2", "--agents=0", "--agents=257", "--agents=x", "--agents", "input.txt"})
        EXPECT_EQ(start_agent(group, {wrong}).wait(), 2) << wrong;
}

TEST_F(ClusterKind, too_few_agents_are_reported) {
    const own_process agent = start_agent(group);
    EXPECT_EQ(what_of<config_error>([&] {
                  static_cast<void>(make_executor("cluster:1,url=" + private_broker::instance().url() +
                                                  ",name=" + group + ",nodes=2,nodes_wait=300ms"));
              }),
              "executor 'cluster': 1 of 2 nodes have joined within 300 ms: start the agents earlier, or raise "
              "nodes_wait");
}

}  // namespace
}  // namespace cadre::test
