// A task that never releases its worker does not starve others: they get a bounded share of the worker's turns.
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>

#include <boost/asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include <cadre/asio.hpp>
#include <cadre/cadre.hpp>

namespace {

using namespace std::chrono_literals;
using cadre::task;
using cadre::thread_executor;

// The floods end on request; without fairness the request could not run, and the tests would hang.

task<int> leaf() { co_return 1; }

task<long> fork_until(const std::atomic<bool>& over) {
    long forks = 0;
    while (!over.load(std::memory_order_relaxed)) {
        auto [a, b] = co_await cadre::when_all(leaf(), leaf());
        forks += a + b;
    }
    co_return forks;
}

task<long> yield_until(const std::atomic<bool>& over) {
    long turns = 0;
    for (; !over.load(std::memory_order_relaxed); ++turns)
        co_await cadre::yield();
    co_return turns;
}

// A channel that is never empty and never full: no receive and no send has to wait.
task<long> send_to_itself_until(const std::atomic<bool>& over) {
    const cadre::channel<int> ch{co_await cadre::this_task::executor(), 2};
    long messages = 0;
    for (; !over.load(std::memory_order_relaxed); ++messages) {
        co_await ch.send(1);
        (void)co_await ch.receive();
    }
    co_return messages;
}

// Both ends find the channel ready, at least after a bounded spin.
task<long> stream_until(const std::atomic<bool>& over) {
    const cadre::channel<int> ch{co_await cadre::this_task::executor(), 1};
    const auto send = [&]() -> task<long> {
        while (!over.load(std::memory_order_relaxed))
            co_await ch.send(1);
        ch.close();
        co_return 0;
    };
    const auto receive = [&]() -> task<long> {
        long messages = 0;
        while (co_await ch.receive())
            ++messages;
        co_return messages;
    };
    const auto [nothing, messages] = co_await cadre::when_all(send(), receive());
    co_return messages;
}

task<> end_it(std::atomic<bool>& over) {
    over.store(true);
    co_return;
}

task<> end_it_later(std::atomic<bool>& over) {
    co_await cadre::sleep_for(5ms);
    over.store(true);
}

class fairness : public testing::TestWithParam<task<long> (*)(const std::atomic<bool>&)> {
protected:
    void ended_by(task<> (*end)(std::atomic<bool>&)) {
        const thread_executor ex{{.workers = 1}};
        std::atomic<bool> over{false};
        std::atomic<bool> begun{false};
        cadre::sync_wait(cadre::when_all(cadre::on(ex,
                                                   [&]() -> task<long> {
                                                       begun.store(true);
                                                       begun.notify_one();
                                                       co_return co_await GetParam()(over);
                                                   }),
                                         cadre::on(ex, [&]() -> task<> {
                                             begun.wait(false);
                                             co_await end(over);
                                         })));
        EXPECT_TRUE(over.load());
    }
};

TEST_P(fairness, submitted_work_gets_its_turn) { ended_by(&end_it); }
TEST_P(fairness, timers_get_their_turn) { ended_by(&end_it_later); }

// The flood itself wakes the work, from its forks.
TEST(fairness_of_wakes, work_woken_by_a_fork_gets_its_turn) {
    const thread_executor ex{{.workers = 1}};
    std::atomic<bool> over{false};
    const cadre::channel<int> told{ex, 2};
    const auto wait_for_two = [&]() -> task<> {
        (void)co_await told.receive();
        (void)co_await told.receive();
        over.store(true);
    };
    const auto tell = [&]() -> task<int> {
        co_await told.send(1);
        co_return static_cast<int>(co_await fork_until(over));
    };
    const auto flood = [&]() -> task<> { (void)co_await cadre::when_all(tell(), tell(), fork_until(over)); };
    cadre::sync_wait(cadre::when_all(cadre::on(ex, wait_for_two), cadre::on(ex, flood)));
    EXPECT_TRUE(over.load());
}

task<> spawn_until(cadre::scope& s, const std::atomic<bool>& over, long& spawned) {
    ++spawned;
    if (!over.load(std::memory_order_relaxed)) s.spawn(spawn_until(s, over, spawned));
    co_return;
}

// The worker runs its newest task first, and another task yields all the time.
TEST(fairness_of_spawns, the_first_begins_within_a_bounded_number_of_others) {
    const thread_executor ex{{.workers = 1}};
    std::atomic<bool> over{false};
    long others = 0;
    const auto body = [&]() -> task<> {
        cadre::scope s;
        s.spawn(end_it(over));
        s.spawn([&]() -> task<> { (void)co_await yield_until(over); });
        s.spawn(spawn_until(s, over, others));
        co_await s.join();
    };
    cadre::sync_wait(cadre::on(ex, body));
    EXPECT_LT(others, 10'000);
}

TEST(fairness_of_streams, timers_get_their_turn) {
    const thread_executor ex{{.workers = 2}};
    std::atomic<bool> over{false};
    cadre::sync_wait(cadre::when_all(cadre::on(ex, [&] { return stream_until(over); }),
                                     cadre::on(ex, [&] { return end_it_later(over); })));
    EXPECT_TRUE(over.load());
}

// The leader, which watches timers and events, itself resumes the flood.
TEST(fairness_of_events, a_flood_that_an_event_resumes_leaves_timers_their_turn) {
    const thread_executor ex{{.workers = 1}};
    std::atomic<bool> over{false};
    const auto flood_after_event = [&]() -> task<> {
        boost::asio::steady_timer timer(cadre::asio_context(ex), 1ms);
        co_await timer.async_wait(cadre::use_task);
        (void)co_await send_to_itself_until(over);
    };
    cadre::sync_wait(
        cadre::when_all(cadre::on(ex, flood_after_event), cadre::on(ex, [&] { return end_it_later(over); })));
    EXPECT_TRUE(over.load());
}

std::string name_of(const testing::TestParamInfo<task<long> (*)(const std::atomic<bool>&)>& flood) {
    constexpr std::array names{"of_forks", "of_yields", "of_messages"};
    return names[flood.index];
}

INSTANTIATE_TEST_SUITE_P(floods, fairness, testing::Values(&fork_until, &yield_until, &send_to_itself_until), name_of);

}  // namespace
