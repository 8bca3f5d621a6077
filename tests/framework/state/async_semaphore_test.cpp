#include <cadre/async_semaphore.hpp>

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <stop_token>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/errors.hpp>
#include <cadre/portable.hpp>
#include <cadre/stop.hpp>
#include <cadre/when_all.hpp>

#include "state_test_support.hpp"

namespace {

using cadre::async_semaphore;
using cadre::sync_wait;
using cadre::task;
using state_test::local;
using state_test::on_threads;

static_assert(cadre::portable<async_semaphore>);

TEST(async_semaphore, counts_permits) {
    async_semaphore s{local(), 2};
    EXPECT_EQ(s.available(), 2u);
    auto a = s.try_acquire();
    auto b = s.try_acquire();
    EXPECT_TRUE(a && b);
    EXPECT_FALSE(s.try_acquire());
    a.reset();
    EXPECT_EQ(s.available(), 1u);
    b->give_back();
    b->give_back();
    EXPECT_EQ(s.available(), 2u);
    s.release(3);
    s.release();
    EXPECT_EQ(s.available(), 6u);
}

TEST(async_semaphore, numbers_of_permits_are_checked) {
    EXPECT_THROW((async_semaphore{local(), -1}), std::invalid_argument);
    EXPECT_THROW((async_semaphore{local(), std::uint64_t{1} << 32}), std::invalid_argument);
    async_semaphore s{local(), 0};
    EXPECT_THROW(s.release(-1), std::invalid_argument);
    EXPECT_THROW((void)s.acquire(0), std::invalid_argument);
    EXPECT_THROW((void)s.acquire(-1), std::invalid_argument);
    EXPECT_THROW((void)s.try_acquire(std::uint64_t{1} << 32), std::invalid_argument);
}

TEST(async_semaphore, an_overflow_is_an_error_that_changes_nothing) {
    async_semaphore s{local(), 0xffff'fffeu};
    auto held = s.try_acquire(0xffff'fff0u);
    EXPECT_THROW(s.release(2), std::overflow_error);
    EXPECT_EQ(s.available(), 14u);
    s.release(1);
    held.reset();
    EXPECT_EQ(s.available(), 0xffff'ffffu);
    EXPECT_THROW(s.release(), std::overflow_error);
    EXPECT_EQ(s.available(), 0xffff'ffffu);
}

TEST(async_semaphore, acquires_several_permits_at_once_or_none) {
    async_semaphore s{local(), 3};
    EXPECT_FALSE(s.try_acquire(4));
    EXPECT_EQ(s.available(), 3u);
    auto two = sync_wait(s.acquire(2));
    EXPECT_EQ(two.count(), 2u);
    EXPECT_EQ(s.available(), 1u);
    two.give_back();
    EXPECT_EQ(two.count(), 0u);
    EXPECT_EQ(s.available(), 3u);
}

TEST(async_semaphore, a_waiter_for_fewer_permits_does_not_overtake) {
    async_semaphore s{local(), 1};
    std::vector<int> order;
    auto take = [&](int n) -> task<> {
        auto permit = co_await s.acquire(n);
        order.push_back(n);
    };
    auto open = [&]() -> task<> {
        EXPECT_FALSE(s.try_acquire());  // one is free, but a task waits
        s.release(2);
        co_return;
    };
    (void)sync_wait(cadre::when_all(take(3), take(1), open()));
    EXPECT_EQ(order, (std::vector{3, 1}));
    EXPECT_EQ(s.available(), 3u);
}

TEST(async_semaphore, a_cancelled_wait_for_many_lets_the_next_waiter_in) {
    async_semaphore s{local(), 1};
    std::stop_source stop;
    bool entered = false;
    auto many = [&]() -> task<> {
        auto wait = [](async_semaphore from) -> task<> { auto permit = co_await from.acquire(3); };
        try {
            co_await cadre::with_stop(stop.get_token(), wait(s));
            ADD_FAILURE();
        } catch (const cadre::cancelled&) {
            EXPECT_TRUE(s.available() == 1 || entered);
        }
    };
    auto one = [&]() -> task<> {
        auto permit = co_await s.acquire();
        entered = true;
    };
    auto request = [&]() -> task<> {
        stop.request_stop();
        co_return;
    };
    (void)sync_wait(cadre::when_all(many(), one(), request()));
    EXPECT_TRUE(entered);
    EXPECT_EQ(s.available(), 1u);
}

TEST(async_semaphore, a_forgotten_permit_stays_taken) {
    async_semaphore s{local(), 3};
    {
        auto two = s.try_acquire(2);
        two->forget();
        EXPECT_FALSE(*two);
    }
    EXPECT_EQ(s.available(), 1u);
    s.release(2);
    EXPECT_EQ(s.available(), 3u);
}

TEST(async_semaphore, moving_a_permit_keeps_one) {
    async_semaphore s{local(), 2};
    auto a = s.try_acquire();
    auto b = s.try_acquire();
    *a = std::move(*b);
    EXPECT_EQ(s.available(), 1u);
    EXPECT_FALSE(*b);
    EXPECT_TRUE(*a);
}

TEST(async_semaphore, limits_concurrency) {
    constexpr int count = 5'000;
    async_semaphore s{local(), 2};
    std::atomic<int> inside{0};
    on_threads(4, [&](unsigned) -> task<> {
        for (int n = 0; n < count; ++n) {
            auto permit = co_await s.acquire();
            EXPECT_LE(inside.fetch_add(1), 1);
            inside.fetch_sub(1);
        }
    });
    EXPECT_EQ(s.available(), 2u);
}

TEST(async_semaphore, release_wakes_one_waiter_for_each_permit) {
    async_semaphore s{local(), 0};
    std::atomic<int> entered{0};
    auto enter = [&]() -> task<> {
        auto permit = co_await s.acquire();
        entered.fetch_add(1);
        permit.give_back();
    };
    auto open = [&]() -> task<> {
        s.release(2);
        co_return;
    };
    (void)sync_wait(cadre::when_all(enter(), enter(), enter(), open()));
    EXPECT_EQ(entered.load(), 3);
    EXPECT_EQ(s.available(), 2u);
}

TEST(async_semaphore, a_cancelled_wait_takes_no_permit) {
    constexpr int rounds = 2'000;
    async_semaphore s{local(), 1};
    on_threads(3, [&](unsigned i) -> task<> {
        for (int n = 0; n < rounds; ++n) {
            if (i == 0) {
                auto permit = co_await s.acquire();
                continue;
            }
            auto wait = [&]() -> task<> { auto permit = co_await s.acquire(); };
            (void)co_await state_test::stopped_meanwhile(wait());
        }
    });
    EXPECT_EQ(s.available(), 1u);
}

TEST(async_semaphore, ends_with_its_executor) {
    const cadre::executor ex = local();
    async_semaphore s{ex, 1};
    auto permit = s.try_acquire();
    state_test::shut_down(ex);
    EXPECT_THROW((void)s.try_acquire(), cadre::executor_stopped);
    EXPECT_THROW((void)sync_wait(s.acquire()), cadre::executor_stopped);
    EXPECT_THROW((async_semaphore{ex, 1}), cadre::executor_stopped);
    EXPECT_THROW((async_semaphore{state_test::without_domain(), 1}), cadre::not_portable);
}

}  // namespace
