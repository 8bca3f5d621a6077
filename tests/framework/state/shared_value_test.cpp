#include <cadre/shared_value.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <cadre/detail/codec/codec.hpp>
#include <cadre/errors.hpp>
#include <cadre/portable.hpp>

#include "state_test_support.hpp"

namespace {

using cadre::shared_value;
using cadre::sync_wait;
using cadre::task;
using state_test::local;
using state_test::on_threads;

struct point {
    int x;
    int y;
};
struct large {
    std::array<double, 4> sides;
    int count;
};
enum class colour : std::uint8_t { red, green };
struct with_pointer {
    int* p;
};
struct with_function {
    void (*f)();
};
struct with_handle {
    shared_value<int> v;
};

static_assert(cadre::portable<shared_value<int>>);
static_assert(cadre::detail::shareable<int> && cadre::detail::shareable<colour> && cadre::detail::shareable<bool>);
static_assert(cadre::detail::shareable<point> && cadre::detail::shareable<large>);
static_assert(cadre::detail::shareable<std::optional<int>> && cadre::detail::shareable<std::array<point, 3>>);
static_assert(!cadre::detail::shareable<with_pointer> && !cadre::detail::shareable<with_function>);
static_assert(!cadre::detail::shareable<std::string> && !cadre::detail::shareable<with_handle>);
static_assert(!cadre::detail::shareable<int*> && !cadre::detail::shareable<const int> &&
              !cadre::detail::shareable<int&>);
static_assert(!cadre::detail::shareable<std::array<const char*, 2>>);

template <class T>
concept has_load = requires(shared_value<T> v) { v.load(); };
template <class T>
concept has_fetch_add = requires(shared_value<T> v) { v.fetch_add(T{}); };
template <class T>
concept has_fetch_or = requires(shared_value<T> v) { v.fetch_or(T{}); };
static_assert(has_fetch_or<int> && has_fetch_add<double> && !has_fetch_or<double>);
static_assert(has_load<bool> && !has_fetch_add<bool> && has_load<point> && !has_fetch_add<point> && !has_load<large>);

TEST(shared_value, atomic_members) {
    shared_value<int> v{local(), 3};
    EXPECT_EQ(v.load(), 3);
    v.store(4);
    EXPECT_EQ(v.fetch_add(2), 4);
    EXPECT_EQ(v.fetch_sub(1), 6);
    EXPECT_EQ(v.exchange(8), 5);
    EXPECT_EQ(v.fetch_or(1), 8);
    EXPECT_EQ(v.fetch_and(8), 9);
    EXPECT_EQ(v.fetch_xor(3, std::memory_order_relaxed), 8);
    int expected = 1;
    EXPECT_FALSE(v.compare_exchange(expected, 2));
    EXPECT_EQ(expected, 11);
    EXPECT_TRUE(v.compare_exchange(expected, 2));
    EXPECT_EQ(v.load(std::memory_order_acquire), 2);
}

TEST(shared_value, begins_with_a_converted_or_an_empty_value) {
    EXPECT_EQ(shared_value<std::uint64_t>(local(), 7).load(), 7u);
    EXPECT_EQ(shared_value<double>(local(), 1).load(), 1.0);
    EXPECT_EQ(shared_value<int>(local()).load(), 0);
    EXPECT_EQ(shared_value<point>(local(), point{1, 2}).load().y, 2);
    EXPECT_EQ((shared_value<point>{local(), {1, 2}}.load().x), 1);
}

TEST(shared_value, copies_are_the_same_value) {
    const shared_value<colour> v{local(), colour::red};
    const shared_value<colour> copy = v;
    copy.store(colour::green);
    EXPECT_EQ(v.load(), colour::green);
    EXPECT_TRUE(v == copy);
}

TEST(shared_value, awaitable_members_serve_every_type) {
    shared_value<large> v{local()};
    sync_wait([](auto cell) -> task<> {
        const large before = co_await cell.get();
        EXPECT_EQ(before.count, 0);
        large x{};
        x.sides[3] = 2.5;
        x.count = 1;
        co_await cell.set(x);
        const large after = co_await cell.update([](large l) {
            ++l.count;
            return l;
        });
        EXPECT_EQ(after.count, 2);
        {
            auto guard = co_await cell.lock();
            EXPECT_FALSE(guard.owner_died());
            EXPECT_EQ(guard->sides[3], 2.5);
            guard->count = 9;
        }
        const large last = co_await cell.get();
        EXPECT_EQ(last.count, 9);
    }(v));
}

TEST(shared_value, update_takes_a_function_that_changes_the_value_in_place) {
    shared_value<int> v{local(), 1};
    sync_wait([](auto cell) -> task<> {
        const int after = co_await cell.update([](int& x) { ++x; });
        EXPECT_EQ(after, 2);
        EXPECT_EQ(cell.load(), 2);
    }(v));
}

TEST(shared_value, lock_excludes_update_get_and_set) {
    shared_value<int> v{local(), 1};
    std::atomic<int> waiting{0};
    std::atomic<bool> free{false};
    on_threads(4, [&](unsigned i) -> task<> {
        if (i == 0) {
            auto guard = co_await v.lock();
            waiting.fetch_add(1);
            while (waiting.load() != 4)
                std::this_thread::yield();
            EXPECT_EQ(*guard, 1);
            *guard = 10;
            free = true;
        } else {
            while (waiting.load() == 0)
                std::this_thread::yield();
            waiting.fetch_add(1);
            if (i == 1) (void)co_await v.get();
            if (i == 2) (void)co_await v.update([](int x) { return x + 1; });
            if (i == 3) {
                auto guard = co_await v.lock();
                *guard += 1;
            }
            EXPECT_TRUE(free.load());
        }
    });
    EXPECT_EQ(v.load(), 12);
}

TEST(shared_value, updates_and_atomic_additions_lose_nothing) {
    constexpr int count = 5'000;
    shared_value<std::int64_t> v{local(), 0};
    on_threads(4, [&](unsigned i) -> task<> {
        for (int n = 0; n < count; ++n)
            if (i % 2 == 0)
                v.fetch_add(1);
            else
                co_await v.update([](std::int64_t x) { return x + 1; });
    });
    EXPECT_EQ(v.load(), 4 * count);
}

TEST(shared_value, locked_access_loses_nothing_and_never_shows_half_a_value) {
    constexpr int count = 3'000;
    shared_value<large> v{local()};
    on_threads(3, [&](unsigned i) -> task<> {
        for (int n = 0; n < count; ++n) {
            if (i == 0) {
                auto guard = co_await v.lock();
                for (double& side : guard->sides)
                    side += 1;
                ++guard->count;
            } else if (i == 1) {
                co_await v.update([](large x) {
                    for (double& side : x.sides)
                        side += 1;
                    ++x.count;
                    return x;
                });
            } else {
                const large x = co_await v.get();
                for (double side : x.sides)
                    EXPECT_EQ(side, x.count);
            }
        }
    });
    EXPECT_EQ(sync_wait(v.get()).count, 2 * count);
}

TEST(shared_value, ends_with_its_executor_but_the_memory_stays) {
    const cadre::executor ex = local();
    shared_value<int> v{ex, 5};
    state_test::shut_down(ex);
    EXPECT_THROW((void)sync_wait(v.get()), cadre::executor_stopped);
    EXPECT_THROW((void)sync_wait(v.lock()), cadre::executor_stopped);
    EXPECT_EQ(v.load(), 5);
    EXPECT_THROW((shared_value<int>{ex, 1}), cadre::executor_stopped);
}

TEST(shared_value, needs_a_memory_domain) {
    EXPECT_THROW((shared_value<int>{state_test::without_domain(), 1}), cadre::not_portable);
}

TEST(shared_value, of_a_local_executor_cannot_leave_the_process) {
    shared_value<int> v{local(), 1};
    cadre::detail::byte_buffer bytes;
    cadre::detail::encoder out(bytes);
    EXPECT_THROW(cadre::detail::encode(out, v), cadre::not_portable);
}

}  // namespace
