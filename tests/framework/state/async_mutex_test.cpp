#include <cadre/async_mutex.hpp>

#include <atomic>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/detail/codec/codec.hpp>
#include <cadre/errors.hpp>
#include <cadre/portable.hpp>
#include <cadre/stop.hpp>
#include <cadre/when_all.hpp>

#include "state_test_support.hpp"

namespace {

using cadre::async_mutex;
using cadre::sync_wait;
using cadre::task;
using state_test::local;
using state_test::on_threads;

static_assert(cadre::portable<async_mutex>);
static_assert(std::is_nothrow_move_constructible_v<async_mutex::guard> &&
              !std::is_copy_constructible_v<async_mutex::guard>);

TEST(async_mutex, a_guard_unlocks_once) {
    async_mutex m{local()};
    sync_wait([](async_mutex mutex) -> task<> {
        auto guard = co_await mutex.lock();
        EXPECT_TRUE(guard.owns_lock());
        EXPECT_FALSE(guard.owner_died());
        EXPECT_FALSE(mutex.try_lock());
        auto other = std::move(guard);
        EXPECT_FALSE(guard.owns_lock());
        EXPECT_FALSE(mutex.try_lock());
        other.unlock();
        other.unlock();
        auto again = mutex.try_lock();
        EXPECT_TRUE(again);
        again = std::nullopt;
        EXPECT_TRUE(mutex.try_lock());
    }(m));
}

TEST(async_mutex, assigning_a_guard_releases_what_it_held) {
    async_mutex a{local()};
    async_mutex b{local()};
    auto guard = a.try_lock();
    guard = b.try_lock();
    EXPECT_TRUE(a.try_lock());
    EXPECT_FALSE(b.try_lock());
}

TEST(async_mutex, waiters_are_served_in_the_order_of_arrival) {
    async_mutex m{local()};
    std::vector<int> order;
    auto enter = [&](int n) -> task<> {
        auto guard = co_await m.lock();
        order.push_back(n);
    };
    sync_wait([](async_mutex mutex, auto& enter_as, std::vector<int>& seen) -> task<> {
        auto guard = std::optional(co_await mutex.lock());
        auto release = [](async_mutex contended, auto& held, std::vector<int>& so_far) -> task<> {
            held.reset();  // all three wait by now
            EXPECT_FALSE(contended.try_lock());
            auto after = co_await contended.lock();
            so_far.push_back(4);
        };
        (void)co_await cadre::when_all(enter_as(1), enter_as(2), enter_as(3), release(mutex, guard, seen));
    }(m, enter, order));
    ASSERT_EQ(order.size(), 4u);
    EXPECT_EQ(order[3], 4);
    EXPECT_TRUE(m.try_lock());
}

TEST(async_mutex, excludes) {
    constexpr int count = 10'000;
    async_mutex m{local()};
    int counter = 0;
    on_threads(4, [&](unsigned) -> task<> {
        for (int n = 0; n < count; ++n) {
            auto guard = co_await m.lock();
            ++counter;
        }
    });
    EXPECT_EQ(counter, 4 * count);
}

TEST(async_mutex, any_thread_may_unlock) {
    async_mutex m{local()};
    auto guard = m.try_lock();
    std::thread([g = std::move(*guard)]() mutable { g.unlock(); }).join();
    EXPECT_TRUE(m.try_lock());
}

TEST(async_mutex, a_cancelled_wait_holds_nothing) {
    async_mutex m{local()};
    std::stop_source stop;
    stop.request_stop();
    auto wait = [](async_mutex mutex) -> task<> { auto guard = co_await mutex.lock(); };
    {
        auto guard = m.try_lock();
        EXPECT_THROW(sync_wait(cadre::with_stop(stop.get_token(), wait(m))), cadre::cancelled);
    }
    // What is free is taken in spite of the request.
    sync_wait(cadre::with_stop(stop.get_token(), wait(m)));
    EXPECT_TRUE(m.try_lock());
}

TEST(async_mutex, cancellation_races_with_unlocking) {
    constexpr int rounds = 3'000;
    async_mutex m{local()};
    int inside = 0;
    std::atomic<int> cancelled{0};
    on_threads(3, [&](unsigned i) -> task<> {
        for (int n = 0; n < rounds; ++n) {
            if (i == 0) {
                auto guard = co_await m.lock();
                EXPECT_EQ(++inside, 1);
                --inside;
            } else {
                auto wait = [&]() -> task<> {
                    auto guard = co_await m.lock();
                    EXPECT_EQ(++inside, 1);
                    --inside;
                };
                if (co_await state_test::stopped_meanwhile(wait())) cancelled.fetch_add(1);
            }
        }
    });
    EXPECT_TRUE(m.try_lock());
}

TEST(async_mutex, ends_with_its_executor) {
    const cadre::executor ex = local();
    async_mutex m{ex};
    auto guard = m.try_lock();
    auto wait = [](async_mutex mutex) -> task<bool> {
        try {
            auto held = co_await mutex.lock();
            co_return false;
        } catch (const cadre::executor_stopped&) {
            co_return true;
        }
    };
    auto end = [](cadre::executor e) -> task<> {
        state_test::shut_down(e);
        co_return;
    };
    auto [stopped, nothing] = sync_wait(cadre::when_all(wait(m), end(ex)));
    EXPECT_TRUE(stopped);
    EXPECT_THROW((void)m.try_lock(), cadre::executor_stopped);
    guard.reset();
}

TEST(async_mutex, needs_a_memory_domain_and_stays_in_its_process) {
    EXPECT_THROW(async_mutex{state_test::without_domain()}, cadre::not_portable);
    async_mutex m{local()};
    cadre::detail::byte_buffer bytes;
    cadre::detail::encoder out(bytes);
    EXPECT_THROW(cadre::detail::encode(out, m), cadre::not_portable);
}

}  // namespace
