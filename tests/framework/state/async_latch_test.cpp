#include <cadre/async_latch.hpp>

#include <atomic>
#include <cstdint>
#include <stdexcept>

#include <gtest/gtest.h>

#include <cadre/portable.hpp>

#include "state_test_support.hpp"

namespace {

using cadre::async_latch;
using cadre::sync_wait;
using cadre::task;
using state_test::local;
using state_test::on_threads;

static_assert(cadre::portable<async_latch>);

TEST(async_latch, opens_at_zero_and_stays_open) {
    async_latch l{local(), 3};
    l.count_down(2);
    EXPECT_EQ(l.count(), 1u);
    EXPECT_FALSE(l.try_wait());
    l.count_down();
    EXPECT_TRUE(l.try_wait());
    sync_wait(l.wait());
    sync_wait(l.wait());
    l.count_down(0);
}

TEST(async_latch, a_latch_of_nothing_is_open) {
    async_latch l{local(), 0};
    sync_wait(l.wait());
    sync_wait(l.arrive_and_wait(0));
}

TEST(async_latch, counts_are_checked_and_lose_nothing) {
    EXPECT_THROW((async_latch{local(), -1}), std::invalid_argument);
    EXPECT_THROW((async_latch{local(), std::uint64_t{1} << 63}), std::invalid_argument);
    async_latch l{local(), 2};
    EXPECT_THROW(l.count_down(-1), std::invalid_argument);
    EXPECT_THROW(l.count_down(3), std::underflow_error);
    EXPECT_THROW(sync_wait(l.arrive_and_wait(3)), std::underflow_error);
    EXPECT_EQ(l.count(), 2u);
}

TEST(async_latch, a_wait_that_was_cancelled_stays_counted) {
    async_latch l{local(), 2};
    auto arrive = [](async_latch latch) -> task<> { co_await latch.arrive_and_wait(); };
    EXPECT_TRUE(sync_wait(state_test::stopped_meanwhile(arrive(l))));
    EXPECT_EQ(l.count(), 1u);
    sync_wait(l.arrive_and_wait());
}

TEST(async_latch, the_last_of_several_threads_opens_it) {
    for (int round = 0; round < 300; ++round) {
        async_latch l{local(), 3};
        std::atomic<int> before{0};
        on_threads(3, [&](unsigned) -> task<> {
            before.fetch_add(1);
            co_await l.arrive_and_wait();
            EXPECT_EQ(before.load(), 3);
        });
    }
}

}  // namespace
