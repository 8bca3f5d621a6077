// Values of an executor of several hosts, over a simulated engine with worker processes.

#include "executors/node/process_hosts.hpp"

#include <cadre/cadre.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

namespace {

using namespace std::chrono_literals;
using cadre::async_event;
using cadre::async_latch;
using cadre::channel;
using cadre::executor;
using cadre::on;
using cadre::shared_value;
using cadre::sync_wait;
using cadre::task;
using cadre::timeout;
using cadre::when_all;

using simulated::soon;

class HomeCells : public simulated::process_hosts_test {};
INSTANTIATE_TEST_SUITE_P(redelivering_and_local, HomeCells, simulated::redelivering_and_local());

std::string use_atomics(shared_value<std::int32_t> v, shared_value<double> d) {
    if (v.load() != 5) return "load";
    v.store(6);
    if (v.exchange(7) != 6) return "exchange";
    std::int32_t expected = 1;
    if (v.compare_exchange(expected, 9) || expected != 7) return "compare_exchange of another value";
    if (!v.compare_exchange(expected, 8) || v.load() != 8) return "compare_exchange";
    if (v.fetch_add(4) != 8 || v.fetch_sub(2) != 12 || v.load() != 10) return "fetch_add and fetch_sub";
    if (v.fetch_and(6) != 10 || v.fetch_or(9) != 2 || v.fetch_xor(3) != 11) return "bits";
    if (d.fetch_add(0.5) != 1.25) return "fetch_add of a double";
    try {
        v.store(std::int64_t{1} << 40);
        return "a value that does not fit";
    } catch (const std::range_error&) {
    }
    return "";
}

TEST_P(HomeCells, atomic_members_work_at_home) {
    const shared_value<std::int32_t> v{ex, 5};
    const shared_value<double> d{ex, 1.25};
    EXPECT_EQ(sync_wait(on(ex, use_atomics, v, d)), "");
    EXPECT_EQ(v.load(), 8);
    EXPECT_EQ(d.load(), 1.75);
}

struct account {
    std::array<std::int64_t, 40> entries{};
    std::int64_t sum = 0;
};

// Every kind of change: none may be lost, whoever makes the others meanwhile.
task<void> count(shared_value<std::uint64_t> v, shared_value<account> a, int times) {
    for (int i = 0; i < times; ++i) {
        v.fetch_add(1);
        static_cast<void>(co_await v.update([](std::uint64_t n) { return n + 1; }));
        auto guard = co_await a.lock();
        guard->entries[static_cast<std::size_t>(i) % guard->entries.size()] += 1;
        co_await cadre::yield();
        guard->sum += 1;
    }
}

TEST_P(HomeCells, no_change_is_lost) {
    const shared_value<std::uint64_t> v{ex, 0};
    const shared_value<account> a{ex};
    static constexpr int times = 20;
    sync_wait([](executor e, shared_value<std::uint64_t> n, shared_value<account> all) -> task<void> {
        co_await when_all(on(e, count, n, all, times), on(e, count, n, all, times), on(e, count, n, all, times),
                          count(n, all, times));
    }(ex, v, a));
    EXPECT_EQ(v.load(), 8u * times);
    const account in_the_end = sync_wait(a.get());
    EXPECT_EQ(in_the_end.sum, 4 * times);
    std::int64_t sum = 0;
    for (const std::int64_t each : in_the_end.entries)
        sum += each;
    EXPECT_EQ(sum, 4 * times);
}

task<std::string> use_the_lock(shared_value<int> v, shared_value<account> a) {
    if (const int seen = co_await v.get(); seen != 3) co_return "get";
    co_await v.set(4);
    if (v.load() != 4) co_return "set";
    if (const int made = co_await v.update([](int n) { return n * 10; }); made != 40) co_return "update";
    {
        auto guard = co_await v.lock();
        if (*guard != 40 || guard.owner_died()) co_return "the value of a guard";
        *guard = 41;
        guard.unlock();
        if (v.load() != 41) co_return "what a guard has written";
    }
    account written;
    written.sum = 7;
    co_await a.set(written);
    const account read = co_await a.get();
    co_return read.sum == 7 ? "" : "a large value";
}

TEST_P(HomeCells, the_lock_brings_the_value_and_takes_it_back) {
    const shared_value<int> v{ex, 3};
    const shared_value<account> a{ex};
    EXPECT_EQ(sync_wait(on(ex, use_the_lock, v, a)), "");
    EXPECT_EQ(v.load(), 41);
    EXPECT_EQ(sync_wait(a.get()).sum, 7);
}

task<int> follow(shared_value<int> v, int until) {
    int seen = v.load();
    int changes = 0;
    for (; seen != until; ++changes) {
        co_await v.wait(seen);
        seen = v.load();
    }
    co_return changes;
}

task<int> raise_to(shared_value<int> v, int until) {
    for (int n = 1; n <= until; ++n) {
        co_await cadre::yield();
        v.store(n);
        v.notify_all();
    }
    co_return until;
}

TEST_P(HomeCells, waits_see_changes_by_all_hosts) {
    const shared_value<int> v{ex, 0};
    sync_wait(timeout(soon, [](executor e, shared_value<int> value) -> task<void> {
        auto [far, here, raised] = co_await when_all(on(e, follow, value, 10), follow(value, 10), raise_to(value, 10));
        EXPECT_LE(far, 10);
        EXPECT_LE(here, 10);
        auto [again, lowered] = co_await when_all(follow(value, 5), on(e, raise_to, value, 5));
        EXPECT_LE(again, 6);
    }(ex, v)));
}

task<bool> stopped_in_vain(shared_value<int> v, async_event event, async_latch latch) {
    const auto cancelled = [](auto operation) -> task<bool> {
        try {
            co_await timeout(10ms, std::move(operation));
        } catch (const cadre::timed_out&) {
            co_return true;
        }
        co_return false;
    };
    const bool value = co_await cancelled(v.wait(1));
    const bool set = co_await cancelled(event.wait());
    const bool open = co_await cancelled(latch.wait());
    const auto lock = [](shared_value<int> locked) -> task<void> { auto guard = co_await locked.lock(); };
    const bool locks = co_await cancelled(lock(v));
    co_return value && set && open&& locks;
}

TEST_P(HomeCells, a_wait_can_be_stopped) {
    const shared_value<int> v{ex, 1};
    const async_event event{ex};
    const async_latch latch{ex, 1};
    {
        const auto guard = sync_wait(v.lock());
        EXPECT_TRUE(sync_wait(on(ex, stopped_in_vain, v, event, latch)));
    }
    EXPECT_EQ(sync_wait(timeout(soon, v.get())), 1);
}

task<void> write_and_die(shared_value<int> v) {
    auto guard = co_await v.lock();
    *guard = 100;
    std::raise(SIGKILL);
}

task<std::string> find_damage(shared_value<int> v) {
    if (const int seen = co_await v.get(); seen != 1) co_return "what the dead had not released";
    {
        auto guard = co_await v.lock();
        if (!guard.owner_died()) co_return "the death is not known";
    }
    auto guard = co_await v.lock();
    co_return guard.owner_died() ? "the death is known twice" : "";
}

TEST_P(HomeCells, a_worker_that_dies_loses_the_lock_of_a_value) {
    const shared_value<int> v{ex, 1};
    EXPECT_THROW(sync_wait(on(ex, write_and_die, v)), cadre::worker_crashed);
    EXPECT_EQ(sync_wait(timeout(soon, on(ex, find_damage, v))), "");
    EXPECT_THROW(sync_wait(on(ex, write_and_die, v)), cadre::worker_crashed);
    EXPECT_TRUE(sync_wait(timeout(soon, v.lock())).owner_died());
}

task<shared_value<int>> make_value_in_a_worker(int first) {
    const executor here = co_await cadre::this_task::executor();
    shared_value<int> made{here, first};
    made.fetch_add(1);
    co_return made;
}

task<void> add_through(channel<shared_value<int>> inbox) {
    const std::optional<shared_value<int>> v = co_await inbox.receive();
    v->fetch_add(10);
}

TEST_P(HomeCells, handles_travel_in_messages_and_results) {
    const shared_value<int> made = sync_wait(on(ex, make_value_in_a_worker, 5));
    EXPECT_EQ(made.load(), 6);
    const channel<shared_value<int>> inbox{ex, 1};
    ASSERT_TRUE(inbox.try_send(made));
    sync_wait(on(ex, add_through, inbox));
    EXPECT_EQ(made.load(), 16);
}

TEST_P(HomeCells, cells_end_with_their_executor) {
    const shared_value<int> v{ex, 1};
    const async_event event{ex};
    sync_wait([](executor e, async_event never) -> task<void> {
        auto waits = [](async_event set) -> task<bool> {
            try {
                co_await timeout(soon, set.wait());
            } catch (const cadre::executor_stopped&) {
                co_return true;
            } catch (const cadre::timed_out&) {
            }
            co_return false;
        };
        auto ends = [](executor stopped) -> task<int> {
            co_await stopped.shutdown();
            co_return 0;
        };
        auto [stopped, ended] = co_await when_all(waits(never), ends(e));
        EXPECT_TRUE(stopped);
    }(ex, event));
    EXPECT_EQ(v.load(), 1);
    EXPECT_THROW(static_cast<void>(sync_wait(v.get())), cadre::executor_stopped);
    EXPECT_THROW((shared_value<int>{ex, 1}), cadre::executor_stopped);
}

struct large {
    std::array<std::uint64_t, 70'000> words{};
};

TEST_P(HomeCells, what_does_not_travel_is_refused_by_a_sentence) {
    try {
        const shared_value<large> v{ex};
        FAIL();
    } catch (const cadre::not_portable& e) {
        EXPECT_STREQ(e.what(), "a shared value of 560008 bytes: on an executor of several hosts it has at most 524288 "
                               "bytes, because it travels as a whole");
    }
}

}  // namespace
