// What becomes of channels, mutexes and semaphores of several hosts when a worker or a host is lost.

#include "executors/node/process_hosts.hpp"

#include <cadre/cadre.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using cadre::async_mutex;
using cadre::async_semaphore;
using cadre::channel;
using cadre::executor;
using cadre::on;
using cadre::sync_wait;
using cadre::task;
using cadre::timeout;

using simulated::soon;

class HomeObjectsOfALostWorker : public simulated::process_hosts_test {};
INSTANTIATE_TEST_SUITE_P(redelivering_and_local, HomeObjectsOfALostWorker, simulated::redelivering_and_local());

task<void> take_all_and_die(async_mutex m, async_semaphore s) {
    auto guard = co_await m.lock();
    auto permits = co_await s.acquire(2);
    std::raise(SIGKILL);
}

TEST_P(HomeObjectsOfALostWorker, a_worker_that_dies_loses_its_locks_and_permits) {
    const async_mutex m{ex};
    const async_semaphore s{ex, 3};
    EXPECT_THROW(sync_wait(on(ex, take_all_and_die, m, s)), cadre::worker_crashed);
    {
        const auto guard = sync_wait(timeout(soon, m.lock()));
        EXPECT_TRUE(guard.owner_died());
    }
    EXPECT_FALSE(sync_wait(timeout(soon, m.lock())).owner_died());
    const auto all = sync_wait(timeout(soon, s.acquire(3)));
    EXPECT_EQ(all.count(), 3u);
}

task<int> announce_and_receive(channel<int> announced, channel<int> from) {
    co_await announced.send(1);
    const std::optional<int> n = co_await from.receive();
    co_return n.value_or(-1);
}

TEST_P(HomeObjectsOfALostWorker, a_worker_that_dies_while_it_receives_takes_no_message) {
    for (int i = 0; i < 5; ++i) {
        const channel<int> announced{ex, 1};
        const channel<int> ch{ex, 4};
        auto job = cadre::spawn(ex, announce_and_receive, announced, ch);
        ASSERT_EQ(sync_wait(timeout(soon, announced.receive())), 1);
        while (job.worker_pid() == 0)
            std::this_thread::sleep_for(1ms);
        const pid_t worker = job.worker_pid();
        // It does not run any more, but nobody knows that it has died: the message is sent to it.
        ASSERT_EQ(::kill(worker, SIGSTOP), 0);
        std::this_thread::sleep_for(2ms);
        ASSERT_TRUE(ch.try_send(7));
        ASSERT_TRUE(ch.try_send(8));
        std::this_thread::sleep_for(2ms);
        ASSERT_EQ(::kill(worker, SIGKILL), 0);
        EXPECT_THROW(sync_wait([](cadre::job<int>& j) -> task<int> { co_return co_await j; }(job)),
                     cadre::worker_crashed);
        EXPECT_EQ(sync_wait(timeout(soon, ch.receive())), 7);
        EXPECT_EQ(sync_wait(timeout(soon, ch.receive())), 8);
    }
}

task<void> hold_everything(async_mutex m, async_semaphore s, channel<int> announced, channel<int> empty) {
    auto guard = co_await m.lock();
    auto permit = co_await s.acquire();
    co_await announced.send(1);
    static_cast<void>(co_await empty.receive());
}

class HomeObjectsOfALostHost : public testing::TestWithParam<std::tuple<bool, simulated::fault>> {};
INSTANTIATE_TEST_SUITE_P(losses, HomeObjectsOfALostHost,
                         testing::Combine(testing::Bool(),
                                          testing::Values(simulated::fault::kill, simulated::fault::cut,
                                                          simulated::fault::restart)));

TEST_P(HomeObjectsOfALostHost, a_host_that_is_lost_gives_up_what_it_has) {
    const auto [redelivers, what] = GetParam();
    simulated::cluster hosts(simulated::process_hosts(redelivers, false));
    const executor ex = hosts.program();
    struct had_by_a_host {
        explicit had_by_a_host(const executor& e) : lock(e), permits(e, 1), empty(e, 1) {}
        async_mutex lock;
        async_semaphore permits;
        channel<int> empty;
    };
    const channel<int> announced{ex, 2};
    std::vector<had_by_a_host> had;
    std::vector<cadre::job<void>> jobs;
    for (std::size_t i = 0; i < 2; ++i) {
        had.emplace_back(ex);
        jobs.push_back(cadre::spawn(ex, hold_everything, had[i].lock, had[i].permits, announced, had[i].empty));
    }
    for (int i = 0; i < 2; ++i)
        ASSERT_EQ(sync_wait(timeout(soon, announced.receive())), 1);
    ASSERT_TRUE(hosts.messages().strike(what));
    // At least one host has been struck.
    const auto until = std::chrono::steady_clock::now() + soon;
    std::optional<async_mutex::guard> guard;
    const had_by_a_host* lost = nullptr;
    while (!guard && std::chrono::steady_clock::now() < until) {
        for (const had_by_a_host& each : had)
            if (guard = each.lock.try_lock(); guard) {
                lost = &each;
                break;
            }
        std::this_thread::sleep_for(1ms);
    }
    ASSERT_TRUE(guard);
    EXPECT_TRUE(guard->owner_died());
    EXPECT_EQ(sync_wait(timeout(soon, lost->permits.acquire())).count(), 1u);
    EXPECT_TRUE(lost->empty.try_send(7));
    EXPECT_EQ(lost->empty.try_receive(), 7);
    // Those that live end their tasks.
    for (const had_by_a_host& each : had)
        each.empty.close();
}

// Receives, works under a lock and a permit, and sends on.
task<void> forward(channel<int> from, channel<int> to, async_mutex m, async_semaphore s) {
    for (;;) {
        const std::optional<int> n = co_await from.receive();
        if (!n) co_return;
        {
            auto permit = co_await s.acquire();
            auto guard = co_await m.lock();
            co_await cadre::yield();
        }
        co_await to.send(*n);
    }
}

task<void> send_all_and_close(channel<int> to, int count) {
    for (int n = 0; n < count; ++n)
        co_await to.send(n);
    to.close();
}

task<void> wait_for(std::vector<cadre::job<void>>& jobs, channel<int> results) {
    for (auto& job : jobs)
        co_await job;
    results.close();
}

task<std::vector<int>> collect(channel<int> from) {
    std::vector<int> all;
    for (;;) {
        const std::optional<int> n = co_await from.receive();
        if (!n) co_return all;
        all.push_back(*n);
    }
}

TEST(HomeObjectsUnderFaults, no_message_arrives_twice_and_nothing_stays_locked) {
    constexpr int tasks = 4;
    constexpr int messages = 60;
    constexpr simulated::fault faults[] = {simulated::fault::cut, simulated::fault::kill, simulated::fault::restart};
    for (std::uint64_t seed = 1; seed <= 90; ++seed) {
        SCOPED_TRACE(seed);
        auto options = simulated::process_hosts(seed % 2 == 0, false);
        options.engine.seed = seed;
        options.engine.what = faults[seed % 3];
        options.engine.at_message = 20 + seed * 37 % 500;
        simulated::cluster hosts(options);
        const executor ex = hosts.program();
        const channel<int> source{ex, 4};
        const channel<int> results{ex, 8};
        const async_mutex m{ex};
        const async_semaphore s{ex, 2};
        std::vector<cadre::job<void>> jobs;
        for (int i = 0; i < tasks; ++i)
            jobs.push_back(cadre::spawn(ex.with({.retries = 5}), forward, source, results, m, s));
        const auto all = sync_wait(timeout(
            soon, [](std::vector<cadre::job<void>>& js, channel<int> from, channel<int> to) -> task<std::vector<int>> {
                auto [sent, ended, got] =
                    co_await cadre::when_all(send_all_and_close(from, messages), wait_for(js, to), collect(to));
                co_return std::move(got);
            }(jobs, source, results)));
        EXPECT_EQ(std::set<int>(all.begin(), all.end()).size(), all.size());
        // A task that is lost takes along the message that it has.
        EXPECT_GE(all.size(), static_cast<std::size_t>(messages - tasks));
        EXPECT_TRUE(sync_wait(timeout(soon, m.lock())));
        EXPECT_EQ(sync_wait(timeout(soon, s.acquire(2))).count(), 2u);
    }
}

}  // namespace
