#include <cadre/async_condition_variable.hpp>

#include <stdexcept>
#include <stop_token>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/async_mutex.hpp>
#include <cadre/async_shared_mutex.hpp>
#include <cadre/portable.hpp>
#include <cadre/shared_array.hpp>
#include <cadre/shared_value.hpp>
#include <cadre/sleep.hpp>

#include "state_test_support.hpp"

namespace {

using cadre::async_condition_variable;
using cadre::async_mutex;
using cadre::sync_wait;
using cadre::task;
using state_test::local;
using state_test::on_threads;

static_assert(cadre::portable<async_condition_variable>);

/// A wait with a guard of any kind releases its lock and has it again.
template <class Lock>
void expect_waits_with(Lock lock) {
    async_condition_variable cv{local()};
    bool ready = false;
    auto wait = [&]() -> task<> {
        auto guard = co_await lock();
        co_await cv.wait(guard, [&] { return ready; });
        EXPECT_TRUE(guard.owns_lock());
        EXPECT_FALSE(guard.owner_died());
    };
    auto set = [&]() -> task<> {
        auto guard = co_await lock();
        ready = true;
        cv.notify_one();
    };
    (void)sync_wait(cadre::when_all(wait(), set()));
}

TEST(async_condition_variable, waits_with_every_lock_of_the_library) {
    const async_mutex mutex{local()};
    const cadre::async_shared_mutex shared{local()};
    const cadre::shared_value<int> value{local(), 1};
    const cadre::shared_array<int> array{local(), 3};
    expect_waits_with([&] { return mutex.lock(); });
    expect_waits_with([&] { return shared.lock(); });
    expect_waits_with([&] { return shared.lock_shared(); });
    expect_waits_with([&] { return value.lock(); });
    expect_waits_with([&] { return array.lock(); });
}

TEST(async_condition_variable, a_guard_without_its_lock_is_an_error) {
    async_condition_variable cv{local()};
    async_mutex m{local()};
    auto guard = m.try_lock();
    guard->unlock();
    EXPECT_THROW(sync_wait(cv.wait(*guard)), std::logic_error);
}

TEST(async_condition_variable, notifies_in_the_order_of_arrival_and_no_more_than_asked) {
    async_condition_variable cv{local()};
    async_mutex m{local()};
    std::vector<int> order;
    auto wait = [&](int n) -> task<> {
        auto guard = co_await m.lock();
        co_await cv.wait(guard);
        order.push_back(n);
    };
    auto notify = [&]() -> task<> {
        cv.notify_one();
        while (order.size() != 1)
            co_await cadre::yield();
        cv.notify(2);
        while (order.size() != 3)
            co_await cadre::yield();
        for (int i = 0; i < 10; ++i)
            co_await cadre::yield();
        EXPECT_EQ(order.size(), 3u);
        cv.notify_all();
    };
    cv.notify_all();  // nobody waits
    (void)sync_wait(cadre::when_all(wait(1), wait(2), wait(3), wait(4), wait(5), notify()));
    EXPECT_EQ(order, (std::vector{1, 2, 3, 4, 5}));
}

TEST(async_condition_variable, a_cancelled_wait_has_the_lock_again_and_passes_a_notification_on) {
    async_condition_variable cv{local()};
    async_mutex m{local()};
    std::stop_source stop;
    bool notified = false;
    auto first = [&]() -> task<> {
        auto guard = co_await m.lock();
        auto wait = [](async_condition_variable from, async_mutex::guard& g) -> task<> { co_await from.wait(g); };
        EXPECT_THROW(co_await cadre::with_stop(stop.get_token(), wait(cv, guard)), cadre::cancelled);
        EXPECT_TRUE(guard.owns_lock());
        EXPECT_FALSE(m.try_lock());
    };
    auto second = [&]() -> task<> {
        auto guard = co_await m.lock();
        co_await cv.wait(guard);
        notified = true;
    };
    auto act = [&]() -> task<> {
        stop.request_stop();
        cv.notify_one();
        co_return;
    };
    (void)sync_wait(cadre::when_all(first(), second(), act()));
    EXPECT_TRUE(notified);
    EXPECT_TRUE(m.try_lock());
}

TEST(async_condition_variable, no_notification_is_lost_between_threads) {
    constexpr int count = 3'000;
    async_condition_variable changed{local()};
    async_mutex m{local()};
    int items = 0;
    on_threads(4, [&](unsigned i) -> task<> {
        for (int n = 0; n < count; ++n) {
            auto guard = co_await m.lock();
            if (i % 2 == 0) {
                co_await changed.wait(guard, [&] { return items < 2; });
                ++items;
            } else {
                co_await changed.wait(guard, [&] { return items > 0; });
                --items;
            }
            changed.notify_all();
        }
    });
    EXPECT_EQ(items, 0);
}

}  // namespace
