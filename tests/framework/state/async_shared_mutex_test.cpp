#include <cadre/async_shared_mutex.hpp>

#include <atomic>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cadre/detail/codec/codec.hpp>
#include <cadre/portable.hpp>
#include <cadre/sleep.hpp>

#include "state_test_support.hpp"

namespace {

using cadre::async_shared_mutex;
using cadre::sync_wait;
using cadre::task;
using state_test::local;
using state_test::on_threads;

static_assert(cadre::portable<async_shared_mutex>);

TEST(async_shared_mutex, has_one_writer_or_many_readers) {
    async_shared_mutex m{local()};
    {
        auto first = sync_wait(m.lock_shared());
        auto second = m.try_lock_shared();
        EXPECT_TRUE(first && second);
        EXPECT_FALSE(m.try_lock());
        first.unlock();
        EXPECT_FALSE(first.owns_lock());
        EXPECT_FALSE(m.try_lock());
    }
    auto writer = sync_wait(m.lock());
    EXPECT_FALSE(writer.owner_died());
    EXPECT_FALSE(m.try_lock() || m.try_lock_shared());
    auto other = std::move(writer);
    EXPECT_FALSE(m.try_lock_shared());
    other.unlock();
    EXPECT_TRUE(m.try_lock());
}

TEST(async_shared_mutex, serves_readers_and_writers_in_the_order_of_arrival) {
    async_shared_mutex m{local()};
    std::vector<char> order;
    auto read = [&](char n) -> task<> {
        auto guard = co_await m.lock_shared();
        order.push_back(n);
        co_await cadre::yield();
    };
    auto write = [&](char n) -> task<> {
        auto guard = co_await m.lock();
        order.push_back(n);
    };
    auto begin = [&](std::optional<async_shared_mutex::guard>& held) -> task<> {
        EXPECT_FALSE(m.try_lock_shared());
        held.reset();
        co_return;
    };
    auto held = m.try_lock();
    (void)sync_wait(cadre::when_all(read('a'), read('b'), write('C'), read('d'), write('E'), begin(held)));
    EXPECT_EQ(order, (std::vector{'a', 'b', 'C', 'd', 'E'}));
}

TEST(async_shared_mutex, a_waiting_writer_keeps_later_readers_out_until_it_is_cancelled) {
    async_shared_mutex m{local()};
    auto reader = m.try_lock_shared();
    auto write = [&]() -> task<> {
        auto wait = [](async_shared_mutex mutex) -> task<> { auto guard = co_await mutex.lock(); };
        EXPECT_TRUE(co_await state_test::stopped_meanwhile(wait(m)));
    };
    bool read = false;
    auto late = [&]() -> task<> {
        auto guard = co_await m.lock_shared();
        read = true;
    };
    (void)sync_wait(cadre::when_all(write(), late()));
    EXPECT_TRUE(read);
    reader.reset();
    EXPECT_TRUE(m.try_lock());
}

TEST(async_shared_mutex, excludes) {
    constexpr int count = 5'000;
    async_shared_mutex m{local()};
    int first = 0;
    int second = 0;
    on_threads(4, [&](unsigned i) -> task<> {
        for (int n = 0; n < count; ++n) {
            if (i < 2) {
                auto guard = co_await m.lock();
                ++first;
                ++second;
            } else {
                auto guard = co_await m.lock_shared();
                EXPECT_EQ(first, second);
            }
        }
    });
    EXPECT_EQ(first, 2 * count);
}

TEST(async_shared_mutex, cancellation_races_with_unlocking) {
    constexpr int rounds = 2'000;
    async_shared_mutex m{local()};
    std::atomic<int> writers{0};
    on_threads(3, [&](unsigned i) -> task<> {
        for (int n = 0; n < rounds; ++n) {
            auto write = [&]() -> task<> {
                auto guard = co_await m.lock();
                EXPECT_EQ(writers.fetch_add(1), 0);
                writers.fetch_sub(1);
            };
            auto read = [&]() -> task<> {
                auto guard = co_await m.lock_shared();
                EXPECT_EQ(writers.load(), 0);
            };
            if (i == 0)
                co_await write();
            else if (i == 1)
                (void)co_await state_test::stopped_meanwhile(write());
            else
                (void)co_await state_test::stopped_meanwhile(read());
        }
    });
    EXPECT_TRUE(m.try_lock());
}

TEST(async_shared_mutex, stays_in_its_process) {
    EXPECT_THROW(async_shared_mutex{state_test::without_domain()}, cadre::not_portable);
    async_shared_mutex m{local()};
    cadre::detail::byte_buffer bytes;
    cadre::detail::encoder out(bytes);
    EXPECT_THROW(cadre::detail::encode(out, m), cadre::not_portable);
}

}  // namespace
