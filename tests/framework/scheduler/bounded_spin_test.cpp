// A bounded spin before a suspension: only where another worker may produce the missing value.
#include <cadre/detail/scheduler/bounded_spin.hpp>

#include <gtest/gtest.h>

#include <cadre/channel.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/when_all.hpp>

namespace {

using cadre::detail::bounded_spin;
using cadre::detail::spin_record;

TEST(spin_record, allows_spins_until_two_in_a_row_have_found_nothing) {
    spin_record spins;
    EXPECT_TRUE(spins.may_spin());
    spins.record(false);
    EXPECT_TRUE(spins.may_spin());
    spins.record(true);
    spins.record(false);
    EXPECT_TRUE(spins.may_spin());
    spins.record(false);
    EXPECT_FALSE(spins.may_spin());
}

TEST(spin_record, tries_once_more_after_many_waits) {
    spin_record spins;
    spins.record(false);
    spins.record(false);
    int waits = 0;
    while (!spins.may_spin() && waits != 1000)
        ++waits;
    EXPECT_EQ(waits, 64);
    spins.record(false);  // and stops at once if that finds nothing
    EXPECT_FALSE(spins.may_spin());
}

TEST(bounded_spin, does_not_wait_outside_workers) {
    spin_record spins;
    int looks = 0;
    EXPECT_FALSE(bounded_spin(spins, [&] { return ++looks == 1; }));
    EXPECT_EQ(looks, 0);
}

TEST(bounded_spin, is_given_up_where_nobody_else_answers) {
    cadre::thread_executor ex{{.workers = 1}};
    int looks = 0;
    cadre::sync_wait(cadre::on(ex, [&]() -> cadre::task<> {
        spin_record spins;
        for (int i = 0; i != 50; ++i)
            EXPECT_FALSE(bounded_spin(spins, [&] {
                ++looks;
                return false;
            }));
        co_return;
    }));
    EXPECT_EQ(looks, 6);  // of two spins
}

// Many values between the main task and a worker, of which either may be the faster one.
TEST(bounded_spin, a_stream_between_home_and_a_worker_loses_nothing) {
    cadre::thread_executor ex{{.workers = 1}};
    const auto produce = [](cadre::channel<int> to, int count) -> cadre::task<> {
        for (int i = 0; i != count; ++i)
            co_await to.send(i);
        to.close();
    };
    const auto body = [&](cadre::channel<int> ch) -> cadre::task<int> {
        cadre::job<void> sender = cadre::spawn(ex, produce, ch, 100'000);
        int expected = 0;
        while (const auto value = co_await ch.receive())
            EXPECT_EQ(*value, expected++);
        co_await sender;
        co_return expected;
    };
    for (const int capacity : {1, 2, 1024})
        EXPECT_EQ(cadre::sync_wait(body(cadre::channel<int>(ex, capacity))), 100'000);
}

// Many values between two busy workers, of which either may be the faster one.
TEST(bounded_spin, a_stream_between_two_workers_loses_nothing) {
    cadre::thread_executor ex{{.workers = 2}};
    for (const int capacity : {1, 2, 1024}) {
        const cadre::channel<int> ch{ex, capacity};
        const auto produce = [](cadre::channel<int> to, int count) -> cadre::task<> {
            for (int i = 0; i != count; ++i)
                co_await to.send(i);
            to.close();
        };
        const auto consume = [](cadre::channel<int> from) -> cadre::task<int> {
            int expected = 0;
            while (const auto value = co_await from.receive())
                EXPECT_EQ(*value, expected++);
            co_return expected;
        };
        const auto stream = [&](int count) -> cadre::task<int> {
            const auto [nothing, received] = co_await cadre::when_all(produce(ch, count), consume(ch));
            co_return received;
        };
        EXPECT_EQ(cadre::sync_wait(cadre::on(ex, stream, 100'000)), 100'000);
    }
}

}  // namespace
