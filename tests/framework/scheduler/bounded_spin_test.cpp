// A bounded spin before a suspension: only where another worker may produce the missing value.
#include <cadre/detail/scheduler/bounded_spin.hpp>

#include <gtest/gtest.h>

#include <cadre/channel.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/on.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/when_all.hpp>

namespace {

using cadre::detail::bounded_spin;

TEST(bounded_spin, does_not_wait_outside_workers) {
    int looks = 0;
    EXPECT_FALSE(bounded_spin([&] { return ++looks == 1; }));
    EXPECT_EQ(looks, 0);
}

TEST(bounded_spin, does_not_wait_where_there_is_only_one_worker) {
    cadre::thread_executor ex{{.workers = 1}};
    int looks = 0;
    cadre::sync_wait(cadre::on(ex, [&]() -> cadre::task<> {
        EXPECT_FALSE(bounded_spin([&] { return ++looks == 1; }));
        co_return;
    }));
    EXPECT_EQ(looks, 0);
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
