// Shared mutexes and condition variables of an executor of several hosts, over a simulated engine with worker
// processes.

#include "executors/node/process_hosts.hpp"

#include <cadre/cadre.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>
#include <tuple>
#include <utility>

namespace {

using namespace std::chrono_literals;
using cadre::async_condition_variable;
using cadre::async_latch;
using cadre::async_mutex;
using cadre::async_shared_mutex;
using cadre::executor;
using cadre::on;
using cadre::shared_value;
using cadre::sync_wait;
using cadre::task;
using cadre::timeout;
using cadre::when_all;

using simulated::soon;

class HomeLocks : public simulated::process_hosts_test {};
INSTANTIATE_TEST_SUITE_P(redelivering_and_local, HomeLocks, simulated::redelivering_and_local());

task<int> write_alone(async_shared_mutex m, shared_value<int> readers, shared_value<int> writers, int times) {
    int together = 0;
    for (int i = 0; i < times; ++i) {
        auto guard = co_await m.lock();
        if (writers.fetch_add(1) != 0 || readers.load() != 0) ++together;
        co_await cadre::yield();
        writers.fetch_sub(1);
    }
    co_return together;
}

task<int> read_together(async_shared_mutex m, shared_value<int> readers, shared_value<int> writers, int times) {
    int together = 0;
    for (int i = 0; i < times; ++i) {
        auto guard = co_await m.lock_shared();
        readers.fetch_add(1);
        if (writers.load() != 0) ++together;
        co_await cadre::yield();
        readers.fetch_sub(1);
    }
    co_return together;
}

TEST_P(HomeLocks, a_writer_is_alone_on_all_hosts) {
    const async_shared_mutex m{ex};
    const shared_value<int> readers{ex, 0};
    const shared_value<int> writers{ex, 0};
    const int together = sync_wait(
        timeout(soon, [](executor e, async_shared_mutex lock, shared_value<int> r, shared_value<int> w) -> task<int> {
            auto [a, b, c, d] =
                co_await when_all(on(e, write_alone, lock, r, w, 10), on(e, read_together, lock, r, w, 10),
                                  write_alone(lock, r, w, 10), read_together(lock, r, w, 10));
            co_return a + b + c + d;
        }(ex, m, readers, writers)));
    EXPECT_EQ(together, 0);
    EXPECT_TRUE(m.try_lock());
}

task<std::string> try_both(async_shared_mutex m) {
    {
        auto reads = m.try_lock_shared();
        if (!reads) co_return "shared";
        if (!m.try_lock_shared()) co_return "shared twice";
        if (m.try_lock()) co_return "alone beside a reader";
    }
    auto writes = m.try_lock();
    if (!writes) co_return "alone";
    co_return m.try_lock_shared() ? "shared beside a writer" : "";
}

task<bool> all_reading(async_shared_mutex m, async_latch inside) {
    auto guard = co_await m.lock_shared();
    co_await inside.arrive_and_wait();
    co_return guard.owner_died();
}

TEST_P(HomeLocks, readers_hold_the_lock_together) {
    const async_shared_mutex m{ex};
    EXPECT_EQ(sync_wait(on(ex, try_both, m)), "");
    const async_latch inside{ex, 3};
    sync_wait(timeout(soon, [](executor e, async_shared_mutex lock, async_latch in) -> task<void> {
        auto [a, b, c] =
            co_await when_all(on(e, all_reading, lock, in), on(e, all_reading, lock, in), all_reading(lock, in));
        EXPECT_FALSE(a || b || c);
    }(ex, m, inside)));
    EXPECT_TRUE(m.try_lock());
}

task<bool> stopped_while_it_waits(async_shared_mutex m, async_mutex own, async_condition_variable changed) {
    const auto cancelled = [](auto wait) -> task<bool> {
        try {
            co_await timeout(10ms, std::move(wait));
        } catch (const cadre::timed_out&) {
            co_return true;
        }
        co_return false;
    };
    auto write = [](async_shared_mutex lock) -> task<void> { auto guard = co_await lock.lock(); };
    auto read = [](async_shared_mutex lock) -> task<void> { auto guard = co_await lock.lock_shared(); };
    const bool writes = co_await cancelled(write(m));
    const bool reads = co_await cancelled(read(m));
    auto guard = co_await own.lock();
    const bool notified = co_await cancelled(changed.wait(guard));
    co_return writes && reads && notified&& guard.owns_lock();
}

TEST_P(HomeLocks, a_wait_that_was_stopped_has_taken_nothing) {
    const async_shared_mutex m{ex};
    const async_mutex own{ex};
    const async_condition_variable changed{ex};
    {
        const auto guard = m.try_lock();
        ASSERT_TRUE(guard);
        EXPECT_TRUE(sync_wait(timeout(soon, on(ex, stopped_while_it_waits, m, own, changed))));
    }
    EXPECT_TRUE(m.try_lock());
    EXPECT_TRUE(own.try_lock());
}

task<void> hold_and_die(async_shared_mutex m, async_shared_mutex read) {
    auto writes = co_await m.lock();
    auto reads = co_await read.lock_shared();
    auto again = co_await read.lock_shared();
    std::raise(SIGKILL);
}

TEST_P(HomeLocks, a_worker_that_dies_loses_its_locks) {
    const async_shared_mutex m{ex};
    const async_shared_mutex read{ex};
    EXPECT_THROW(sync_wait(on(ex, hold_and_die, m, read)), cadre::worker_crashed);
    EXPECT_TRUE(sync_wait(timeout(soon, m.lock_shared())).owner_died());
    EXPECT_TRUE(sync_wait(timeout(soon, on(ex, all_reading, m, async_latch{ex, 1}))));
    EXPECT_TRUE(sync_wait(timeout(soon, m.lock())).owner_died());
    EXPECT_FALSE(sync_wait(timeout(soon, m.lock_shared())).owner_died());
    EXPECT_FALSE(sync_wait(timeout(soon, read.lock())).owner_died());
}

task<int> take_from(shared_value<int> stock, async_condition_variable changed, int count) {
    int taken = 0;
    for (int i = 0; i < count; ++i) {
        auto guard = co_await stock.lock();
        co_await changed.wait(guard, [&guard] { return *guard > 0; });
        *guard -= 1;
        ++taken;
    }
    co_return taken;
}

task<int> put_into(shared_value<int> stock, async_condition_variable changed, int count) {
    for (int i = 0; i < count; ++i) {
        {
            auto guard = co_await stock.lock();
            *guard += 1;
        }
        changed.notify_one();
    }
    co_return count;
}

TEST_P(HomeLocks, notifications_reach_all_hosts) {
    const shared_value<int> stock{ex, 0};
    const async_condition_variable changed{ex};
    sync_wait(timeout(soon, [](executor e, shared_value<int> s, async_condition_variable c) -> task<void> {
        auto [a, b, d, f, g] = co_await when_all(on(e, take_from, s, c, 10), on(e, take_from, s, c, 10),
                                                 take_from(s, c, 10), on(e, put_into, s, c, 20), put_into(s, c, 10));
        EXPECT_EQ(a + b + d, 30);
    }(ex, stock, changed)));
    EXPECT_EQ(stock.load(), 0);
}

task<void> wait_and_die(async_mutex m, async_condition_variable never, async_latch waiting) {
    auto wait = [](async_mutex lock, async_condition_variable changed) -> task<int> {
        auto guard = co_await lock.lock();
        co_await changed.wait(guard);
        co_return 0;
    };
    auto die = [](async_latch l) -> task<int> {
        co_await l.wait();
        std::raise(SIGKILL);
        co_return 0;
    };
    co_await when_all(wait(m, never), die(waiting));
}

TEST_P(HomeLocks, a_waiter_that_dies_takes_no_notification) {
    const async_mutex m{ex};
    const async_condition_variable changed{ex};
    const async_latch ready{ex, 1};
    EXPECT_THROW(sync_wait([](executor e, async_mutex lock, async_condition_variable c, async_latch l) -> task<void> {
                     auto release = [](async_mutex free, async_latch die) -> task<int> {
                         co_await cadre::sleep_for(2ms);
                         {
                             auto guard = co_await free.lock();
                         }
                         die.count_down();
                         co_return 0;
                     };
                     co_await when_all(on(e, wait_and_die, lock, c, l), release(lock, l));
                 }(ex, m, changed, ready)),
                 cadre::worker_crashed);
    // The lock is free, and this waiter is the only one.
    sync_wait(timeout(soon, [](async_mutex lock, async_condition_variable c) -> task<void> {
        auto wait = [](async_mutex own, async_condition_variable notified) -> task<int> {
            auto guard = co_await own.lock();
            co_await notified.wait(guard);
            co_return 0;
        };
        auto notify = [](async_mutex own, async_condition_variable waited) -> task<int> {
            co_await cadre::yield();
            auto guard = co_await own.lock();
            waited.notify_one();
            co_return 0;
        };
        co_await when_all(wait(lock, c), notify(lock, c));
    }(m, changed)));
}

}  // namespace
