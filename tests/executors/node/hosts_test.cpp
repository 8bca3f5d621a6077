// Two hosts with worker processes of their own, over a simulated engine.

#include "executors/node/cluster_fixture.hpp"
#include "process/process_pool.hpp"

#include <cadre/cadre.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <exception>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using cadre::sync_wait;

cadre::executor process_pool(const cadre::process_options& options, cadre::detail::pool_role role) {
    return cadre::detail::make_process_pool(options, std::move(role));
}

simulated::cluster_options two_hosts(cadre::process_options pool = {.workers = 1}, bool redelivers = true) {
    return {.engine = {.redelivers = redelivers, .longest_delay = 20us}, .pool = pool, .make_pool = process_pool};
}

bool is_host(const std::string& name) { return name == "node1" || name == "node2"; }

int square(int i) { return i * i; }
int sleep_for(int milliseconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    return milliseconds;
}
cadre::task<int> begin_and_sleep_for(cadre::channel<int> begun, int milliseconds) {
    co_await begun.send(1);
    co_return sleep_for(milliseconds);
}
cadre::task<int> next_of(cadre::channel<int> items) {
    const std::optional<int> next = co_await items.receive();
    co_return next.value_or(0);
}
int crash(int i) {
    if (i == 3) std::raise(SIGKILL);
    return i;
}
cadre::task<int> nap(int milliseconds) {
    co_await cadre::sleep_for(std::chrono::milliseconds(milliseconds));
    co_return milliseconds;
}
std::size_t sum(const std::vector<unsigned char>& bytes) {
    return std::accumulate(bytes.begin(), bytes.end(), std::size_t{0});
}
std::vector<unsigned char> many(std::size_t size) { return std::vector<unsigned char>(size, 7); }

cadre::task<int> result_of(cadre::job<int>& job) { co_return co_await job; }

template <class Condition>
bool comes_true(Condition condition) {
    for (int i = 0; i < 2000 && !condition(); ++i)
        std::this_thread::sleep_for(1ms);
    return condition();
}

std::string text_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return e.what();
    }
}

std::string origin_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return cadre::error_origin(e);
    }
}

class NodeHosts : public testing::TestWithParam<bool> {
protected:
    simulated::cluster hosts{two_hosts({.workers = 1}, GetParam())};
    const cadre::executor ex = hosts.program();
};
INSTANTIATE_TEST_SUITE_P(redelivering, NodeHosts, testing::Bool());

TEST_P(NodeHosts, the_death_of_a_worker_names_its_host_and_the_item) {
    const auto all = sync_wait(cadre::map_outcomes(ex, crash, std::vector{0, 1, 2, 3, 4}));
    EXPECT_EQ(all[4].value(), 4);
    ASSERT_FALSE(all[3].has_value());
    EXPECT_THROW(std::rethrow_exception(all[3].error()), cadre::worker_crashed);
    EXPECT_NE(text_of(all[3].error()).find(" on node"), std::string::npos) << text_of(all[3].error());
    const std::string origin = origin_of(all[3].error());
    EXPECT_NE(origin.find(" on node"), std::string::npos) << origin;
    EXPECT_NE(origin.find("item 3"), std::string::npos) << origin;
}

TEST_P(NodeHosts, a_job_knows_its_host_while_it_runs_and_afterwards) {
    auto job = cadre::spawn(ex, sleep_for, 300);
    EXPECT_TRUE(comes_true([&] { return !job.worker_host().empty(); }));
    EXPECT_FALSE(job.ready());
    EXPECT_TRUE(is_host(job.worker_host())) << job.worker_host();
    EXPECT_GT(job.worker_pid(), 0);
    EXPECT_EQ(sync_wait(result_of(job)), 300);
    auto quick = cadre::spawn(ex, square, 3);
    EXPECT_EQ(sync_wait(result_of(quick)), 9);
    EXPECT_TRUE(is_host(quick.worker_host()));
}

TEST_P(NodeHosts, a_lost_host_fails_its_call_and_no_other) {
    std::vector<cadre::job<int>> jobs;
    for (int i = 0; i < 2; ++i)
        jobs.push_back(cadre::spawn(ex, sleep_for, 800));
    ASSERT_TRUE(comes_true([&] { return !jobs[0].worker_host().empty() && !jobs[1].worker_host().empty(); }));
    ASSERT_NE(jobs[0].worker_host(), jobs[1].worker_host());
    ASSERT_TRUE(hosts.messages().strike(simulated::fault::kill));
    int values = 0;
    for (auto& job : jobs) {
        try {
            values += sync_wait(result_of(job)) == 800 ? 1 : 0;
        } catch (const cadre::worker_lost& e) {
            EXPECT_NE(std::string(e.what()).find("host " + job.worker_host() + " has left the run"), std::string::npos)
                << e.what();
        }
    }
    EXPECT_EQ(values, 1);
    EXPECT_EQ(sync_wait(cadre::on(ex, square, 5)), 25);
    EXPECT_EQ(ex.concurrency(), 1u);
}

TEST_P(NodeHosts, retries_repeat_what_a_lost_host_had) {
    std::vector<cadre::job<int>> jobs;
    for (int i = 0; i < 4; ++i)
        jobs.push_back(cadre::spawn(ex.with({.retries = 1}), sleep_for, 200));
    ASSERT_TRUE(comes_true([&] { return !jobs[0].worker_host().empty(); }));
    ASSERT_TRUE(hosts.messages().strike(simulated::fault::kill));
    for (auto& job : jobs)
        EXPECT_EQ(sync_wait(result_of(job)), 200);
    EXPECT_GT(ex.stats().retried, 0u);
}

TEST_P(NodeHosts, items_that_have_ended_count_when_their_host_is_lost) {
    std::thread later([this] {
        std::this_thread::sleep_for(450ms);
        EXPECT_TRUE(hosts.messages().strike(simulated::fault::kill));
    });
    // 0.6 s for each of two chunks.
    const auto all = sync_wait(cadre::map_outcomes(ex, sleep_for, std::vector<int>(24, 50), {.chunk = 12}));
    later.join();
    const auto values = std::ranges::count_if(all, [](const auto& o) { return o.has_value(); });
    EXPECT_GT(values, 12);  // more than the chunk of the host that lives
    EXPECT_LT(values, 24);
}

TEST_P(NodeHosts, arguments_and_results_of_any_size_travel) {
    constexpr std::size_t size = (std::size_t{70} << 20) + 5;
    EXPECT_EQ(sync_wait(cadre::on(ex, sum, many(size))), size * 7);
    const auto back = sync_wait(cadre::on(ex, many, size));
    ASSERT_EQ(back.size(), size);
    EXPECT_EQ(back.back(), 7);
}

TEST_P(NodeHosts, tasks_that_sleep_use_up_no_credit) {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<cadre::job<int>> jobs;
    for (int i = 0; i < 400; ++i)
        jobs.push_back(cadre::spawn(ex, nap, 200));
    for (auto& job : jobs)
        EXPECT_EQ(sync_wait(result_of(job)), 200);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);  // one after the other on two workers: 40 s
}

TEST_P(NodeHosts, limits_and_kills_reach_the_worker) {
    EXPECT_THROW(sync_wait(cadre::on(ex.with({.timeout = 50ms}), sleep_for, 5000)), cadre::timed_out);
    // A call that its worker has received, but not begun, would only be cancelled.
    const cadre::channel<int> begun{ex, 1};
    auto job = cadre::spawn(ex, begin_and_sleep_for, begun, 20'000);
    ASSERT_EQ(sync_wait(next_of(begun)), 1);
    job.kill();
    try {
        sync_wait(result_of(job));
        FAIL();
    } catch (const cadre::task_killed& e) {
        EXPECT_EQ(e.reason(), cadre::kill_reason::requested);
        EXPECT_NE(std::string(e.what()).find(" on node"), std::string::npos) << e.what();
    }
}

TEST_P(NodeHosts, a_shutdown_with_a_deadline_ends_a_long_call) {
    auto job = cadre::spawn(ex, sleep_for, 20'000);
    ASSERT_TRUE(comes_true([&] { return job.worker_pid() != 0; }));
    sync_wait(ex.shutdown(10ms));
    EXPECT_THROW(sync_wait(result_of(job)), cadre::task_killed);
    EXPECT_THROW(sync_wait(cadre::on(ex, square, 1)), cadre::executor_stopped);
}

TEST_P(NodeHosts, maps_with_automatic_chunks_use_both_hosts) {
    std::vector<int> in(300'000);
    std::iota(in.begin(), in.end(), 0);
    const auto out = sync_wait(cadre::map(ex, [](int i) { return i ^ 5; }, in));
    ASSERT_EQ(out.size(), in.size());
    for (std::size_t i = 0; i < out.size(); ++i)
        ASSERT_EQ(out[i], in[i] ^ 5);
}

TEST(NodeBackend, waiting_calls_are_bounded_and_leave_by_priority) {
    simulated::cluster hosts({.engine = {.longest_delay = 20us},
                              .agents = 1,
                              .pool = {.workers = 1, .max_pending = 3},
                              .make_pool = process_pool});
    const cadre::executor ex = hosts.program();
    std::vector<cadre::job<int>> jobs;
    int refused = 0;
    for (int i = 0; i < 12; ++i)
        jobs.push_back(cadre::spawn(ex, sleep_for, 30));
    EXPECT_GT(ex.stats().queued, 0u);
    for (auto& job : jobs) {
        try {
            static_cast<void>(sync_wait(result_of(job)));
        } catch (const cadre::overloaded&) {
            ++refused;
        }
    }
    EXPECT_GE(refused, 3);
    EXPECT_LE(refused, 9);
}

TEST(NodeBackend, a_waiting_call_that_is_stopped_never_leaves_the_program) {
    simulated::cluster hosts({.engine = {.longest_delay = 20us}, .agents = 0});  // nobody takes it
    auto job = cadre::spawn(hosts.program(), square, 2);
    job.request_stop();
    EXPECT_THROW(sync_wait(result_of(job)), cadre::cancelled);
    EXPECT_EQ(hosts.messages().messages(), 0u);
}

TEST(NodeBackend, the_programs_host_runs_calls_without_the_engine) {
    simulated::cluster hosts({.engine = {.longest_delay = 20us},
                              .agents = 0,
                              .local = true,
                              .pool = {.workers = 2},
                              .make_pool = process_pool});
    const cadre::executor ex = hosts.program();
    EXPECT_EQ(ex.kind(), cadre::executor_kind::cluster);
    EXPECT_EQ(ex.concurrency(), 2u);
    EXPECT_EQ(sync_wait(cadre::on(ex, square, 12)), 144);
    const auto out = sync_wait(cadre::map(ex, square, std::vector{1, 2, 3}));
    EXPECT_EQ(out, (std::vector{1, 4, 9}));
    EXPECT_EQ(hosts.messages().messages(), 0u);
}

}  // namespace
