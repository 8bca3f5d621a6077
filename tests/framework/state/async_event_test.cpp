#include <cadre/async_event.hpp>

#include <atomic>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/detail/codec/codec.hpp>
#include <cadre/portable.hpp>

#include "state_test_support.hpp"

namespace {

using cadre::async_event;
using cadre::sync_wait;
using cadre::task;
using state_test::local;
using state_test::on_threads;

static_assert(cadre::portable<async_event>);

TEST(async_event, setting_and_resetting_are_idempotent) {
    async_event e{local()};
    EXPECT_FALSE(e.is_set());
    e.set();
    e.set();
    EXPECT_TRUE(e.is_set());
    sync_wait(e.wait());
    sync_wait(e.wait());
    e.reset();
    e.reset();
    EXPECT_FALSE(e.is_set());
}

TEST(async_event, releases_waiters_in_the_order_of_arrival_although_it_is_reset_at_once) {
    async_event e{local()};
    std::vector<int> order;
    auto wait = [&](int n) -> task<> {
        co_await e.wait();
        order.push_back(n);
    };
    auto pulse = [&]() -> task<> {
        e.set();
        e.reset();
        co_return;
    };
    (void)sync_wait(cadre::when_all(wait(1), wait(2), wait(3), pulse()));
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
    EXPECT_FALSE(e.is_set());
}

TEST(async_event, a_waiter_that_comes_after_a_reset_waits_for_the_next_set) {
    async_event e{local()};
    e.set();
    e.reset();
    EXPECT_TRUE(
        sync_wait(state_test::stopped_meanwhile([](async_event event) -> task<> { co_await event.wait(); }(e))));
}

TEST(async_event, no_waiter_is_lost_between_threads) {
    constexpr int rounds = 3'000;
    async_event ping{local()};
    async_event pong{local()};
    on_threads(2, [&](unsigned i) -> task<> {
        for (int n = 0; n < rounds; ++n) {
            if (i == 0) {
                ping.set();
                co_await pong.wait();
                pong.reset();
            } else {
                co_await ping.wait();
                ping.reset();
                pong.set();
            }
        }
    });
}

TEST(async_event, stop_requests_race_with_setting) {
    constexpr int rounds = 2'000;
    async_event e{local()};
    on_threads(3, [&](unsigned i) -> task<> {
        for (int n = 0; n < rounds; ++n) {
            if (i == 0) {
                e.set();
                e.reset();
            } else {
                (void)co_await state_test::stopped_meanwhile(
                    [](async_event event) -> task<> { co_await event.wait(); }(e));
            }
        }
    });
}

TEST(async_event, stays_in_its_process) {
    EXPECT_THROW(async_event{state_test::without_domain()}, cadre::not_portable);
    async_event e{local()};
    cadre::detail::byte_buffer bytes;
    cadre::detail::encoder out(bytes);
    EXPECT_THROW(cadre::detail::encode(out, e), cadre::not_portable);
}

}  // namespace
