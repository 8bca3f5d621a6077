// Calls that run in the worker processes of other hosts: the same results, errors and limits as on a process executor.

#include "cluster_fixture.hpp"
#include "executors/process/guard.hpp"
#include "executors/process/support.hpp"
#include "process/process_pool.hpp"

#include <cadre/as_outcome.hpp>
#include <cadre/channel.hpp>
#include <cadre/errors.hpp>
#include <cadre/map.hpp>
#include <cadre/map_stream.hpp>
#include <cadre/reduce.hpp>
#include <cadre/register_exception.hpp>
#include <cadre/this_task.hpp>
#include <cadre/timeout.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::task;

/// Two hosts with `workers` worker processes each.
class hosts_of_test {
public:
    explicit hosts_of_test(int workers, cadre::process_options pool = {}, simulated::engine_options engine = {},
                           bool local = false)
        : cluster_({.engine = engine,
                    .local = local,
                    .pool = with(pool, workers),
                    .make_pool = [](const auto& options, auto role) {
                        return cadre::detail::make_process_pool(options, std::move(role));
                    }}) {}
    operator executor() const { return cluster_.program(); }

private:
    static cadre::process_options with(cadre::process_options pool, int workers) {
        pool.workers = workers;
        return pool;
    }
    simulated::cluster cluster_;
};

std::string origin_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return cadre::error_origin(e);
    }
}

std::string repeated(std::string text, int times) {
    std::string all;
    for (int i = 0; i != times; ++i)
        all += text;
    return all;
}
int refuse(int x) { throw std::invalid_argument("refused " + std::to_string(x)); }
task<int> plus_one_elsewhere(executor ex, int x) { co_return co_await cadre::on(ex, plus_one, x); }
task<int> plus_one_on_own_executor(int x) {
    const executor ex = co_await cadre::this_task::executor();
    co_return co_await cadre::on(ex, plus_one, x);
}

TEST(hosts, calls_give_results_and_errors) {
    const hang_guard guard;
    const hosts_of_test all_hosts(1);
    const executor ex = all_hosts;
    EXPECT_EQ(ex.kind(), cadre::executor_kind::cluster);
    EXPECT_EQ(ex.concurrency(), 2u);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 41)), 42);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, repeated, "ab", 3)), "ababab");
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, repeated, std::string(1 << 20, 'x'), 3)).size(), std::size_t{3} << 20);
    const auto failed = cadre::sync_wait(cadre::as_outcome(cadre::on(ex, refuse, 7)));
    EXPECT_STREQ(failed.what().c_str(), "refused 7");
    EXPECT_THROW((void)failed.value(), std::invalid_argument);
    EXPECT_NE(origin_of(failed.error()).find("node"), std::string::npos) << origin_of(failed.error());
}

TEST(hosts, calls_nest_and_handles_travel) {
    const hang_guard guard;
    const hosts_of_test all_hosts(1);
    const executor ex = all_hosts;
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one_elsewhere, ex, 1)), 2);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one_on_own_executor, 1)), 2);
}

TEST(hosts, both_run_calls) {
    const hang_guard guard;
    const hosts_of_test all_hosts(1);
    const executor ex = all_hosts;
    std::vector<cadre::job<pid_t>> jobs;
    std::set<pid_t> workers;
    for (int i = 0; i != 2; ++i)
        for (int k = 0; k != 20; ++k)
            jobs.push_back(cadre::spawn(
                ex, +[] {
                    compute_for(5ms);
                    return worker_pid();
                }));
    for (auto& job : jobs)
        workers.insert(cadre::sync_wait(wait_for(std::move(job))));
    EXPECT_EQ(workers.size(), 2u);
}

task<int> slow_plus_one(int x) {
    co_await cadre::yield();
    co_return x + 1;
}

TEST(hosts, maps_keep_the_order) {
    const hang_guard guard;
    const hosts_of_test all_hosts(2);
    const executor ex = all_hosts;
    const auto plain = cadre::sync_wait(cadre::map(ex, plus_one, std::views::iota(0, 20'000)));
    const auto later = cadre::sync_wait(cadre::map(ex, slow_plus_one, std::views::iota(0, 2'000)));
    ASSERT_EQ(plain.size(), 20'000u);
    for (std::size_t i = 0; i != plain.size(); ++i)
        ASSERT_EQ(plain[i], static_cast<int>(i) + 1);
    for (std::size_t i = 0; i != later.size(); ++i)
        ASSERT_EQ(later[i], static_cast<int>(i) + 1);
    EXPECT_EQ(cadre::sync_wait(cadre::reduce(ex, plus_one, std::plus<>{}, std::views::iota(0, 1000), 0)), 500'500);
}

int fail_some(int x) {
    if (x % 10 == 3) throw std::runtime_error("item " + std::to_string(x));
    if (x == 25) ::raise(SIGKILL);
    return x;
}
task<int> fail_some_later(int x) {
    co_await cadre::yield();
    co_return fail_some(x);
}

TEST(hosts, a_bad_item_spoils_no_other) {
    const hang_guard guard;
    for (const std::size_t chunk : {0u, 1u, 7u}) {
        const hosts_of_test all_hosts(1);
        const executor ex = all_hosts;
        const auto check = [](const auto& all, bool may_be_suspended) {
            for (std::size_t i = 0; i != all.size(); ++i)
                if (i == 25)
                    EXPECT_THROW((void)all[i].value(), cadre::worker_crashed);
                else if (i % 10 == 3)
                    EXPECT_FALSE(all[i].has_value()) << i;
                else if (all[i].has_value() || !may_be_suspended)
                    EXPECT_EQ(all[i].value(), static_cast<int>(i));
                else  // it sat suspended in the worker that died
                    EXPECT_THROW((void)all[i].value(), cadre::worker_lost) << i;
        };
        check(cadre::sync_wait(cadre::map_outcomes(ex, fail_some, std::views::iota(0, 40), {.chunk = chunk})), false);
        const auto crashed = cadre::sync_wait(cadre::as_outcome(cadre::on(ex, fail_some, 25)));
        EXPECT_NE(origin_of(crashed.error()).find("node"), std::string::npos) << origin_of(crashed.error());
        check(cadre::sync_wait(cadre::map_outcomes(ex, fail_some_later, std::views::iota(0, 40), {.chunk = chunk})),
              true);
    }
}

TEST(hosts, retries_repeat_what_a_worker_took_along) {
    const hang_guard guard;
    const hosts_of_test all_hosts(1, {.retries = 3});
    const executor ex = all_hosts;
    const auto o = cadre::sync_wait(cadre::as_outcome(cadre::on(ex, die_by_signal, SIGKILL)));
    EXPECT_THROW((void)o.value(), cadre::worker_crashed);
    EXPECT_EQ(cadre::sync_wait(cadre::on(ex, plus_one, 1)), 2);
}

task<void> stops(executor ex) {
    std::vector<cadre::job<int>> jobs;
    for (int i = 0; i != 6; ++i)
        jobs.push_back(cadre::spawn(ex, compute_until_stopped));
    co_await cadre::sleep_for(30ms);
    for (auto& job : jobs)
        job.request_stop();
    for (auto& job : jobs) {
        const auto o = co_await cadre::as_outcome(std::move(job));
        if (o.has_value()) {
            EXPECT_EQ(*o, 77);
        } else {
            EXPECT_THROW((void)o.value(), cadre::cancelled);  // it had not begun
        }
    }
    auto killed = cadre::spawn(ex, spin_for_ever);
    co_await cadre::sleep_for(30ms);
    killed.kill();
    EXPECT_THROW((void)co_await killed, cadre::task_killed);
    EXPECT_THROW((void)co_await cadre::timeout(50ms, cadre::on(ex, spin_for_ever)), cadre::timed_out);
    EXPECT_EQ(co_await cadre::on(ex, plus_one, 1), 2);
}

TEST(hosts, stop_requests_and_limits_reach_the_work) {
    const hang_guard guard;
    {
        const hosts_of_test hosts_here(1, {.kill_grace = 50ms});
        run(stops, executor(hosts_here));
    }
}

task<void> shuts_down(executor ex) {
    auto job = cadre::spawn(ex, compute_for, 50ms);
    co_await ex.shutdown(5s);
    EXPECT_EQ(co_await job, 0);
    EXPECT_THROW((void)co_await cadre::on(ex, plus_one, 1), cadre::executor_stopped);
}

TEST(hosts, a_shutdown_lets_work_end) {
    const hang_guard guard;
    {
        const hosts_of_test hosts_here(1);
        run(shuts_down, executor(hosts_here));
    }
}

TEST(hosts, the_host_of_the_program_takes_part) {
    const hang_guard guard;
    const hosts_of_test all_hosts(1, {}, {}, true);
    const executor ex = all_hosts;
    EXPECT_EQ(ex.concurrency(), 3u);
    std::set<pid_t> workers;
    for (const pid_t pid : cadre::sync_wait(cadre::map(ex,
                                                       +[](int) {
                                                           compute_for(3ms);
                                                           return worker_pid();
                                                       },
                                                       std::views::iota(0, 60), {.chunk = 1})))
        workers.insert(pid);
    EXPECT_EQ(workers.size(), 3u);
    {
        const hosts_of_test hosts_here(1, {.kill_grace = 50ms}, {}, true);
        run(stops, executor(hosts_here));
    }
}

TEST(hosts, objects_are_refused_by_a_sentence) {
    const hosts_of_test all_hosts(1);
    const executor ex = all_hosts;
    EXPECT_NE(what_of<cadre::not_portable>([&] { cadre::channel<int>(ex, 1); }).find("executor 'cluster'"),
              std::string::npos);
}

}  // namespace
