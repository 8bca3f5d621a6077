// stream: its body and its consumer wait for each other in every way, and elements that are there cost no stack.
#include <cadre/stream.hpp>

#include <tuple>

#include <gtest/gtest.h>

#include <cadre/async_event.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/this_task.hpp>
#include <cadre/when_all.hpp>

namespace {

using cadre::stream;
using cadre::sync_wait;
using cadre::task;

// The body waits when the consumer asks, the element comes when the consumer waits, and the consumer waits when an
// element is there.
TEST(stream, body_and_consumer_wait_for_each_other) {
    const auto body = []() -> task<> {
        const cadre::executor home = co_await cadre::this_task::executor();
        const cadre::async_event first(home);
        const cadre::async_event second(home);
        const cadre::async_event last(home);
        const cadre::async_event consumer(home);
        bool finished = false;
        const auto elements = [&]() -> stream<int> {
            co_await first.wait();
            co_yield 1;
            co_await second.wait();
            co_yield 2;
            co_await last.wait();
        };
        const auto consume = [&]() -> task<> {
            auto s = elements();
            EXPECT_EQ(co_await s.next(), 1);
            EXPECT_EQ(co_await s.next(), 2);
            co_await consumer.wait();
            const auto end = co_await s.next();
            EXPECT_FALSE(end.has_value());
            finished = true;
        };
        const auto release = [&]() -> task<> {
            for (const cadre::async_event& event : {first, second, consumer}) {
                event.set();
                for (int i = 0; i < 3; ++i)
                    co_await cadre::yield();
                EXPECT_FALSE(finished);
            }
            last.set();
        };
        co_await cadre::when_all(consume(), release());
        EXPECT_TRUE(finished);
    };
    sync_wait(body());
}

TEST(stream, many_elements_that_come_at_once_do_not_use_the_stack) {
    static constexpr int count = 1'000'000;
    const auto body = []() -> task<> {
        const cadre::async_event half_way(co_await cadre::this_task::executor());
        const auto elements = [](cadre::async_event event) -> stream<int> {
            for (int i = 0; i < count; ++i) {
                if (i == count / 2) co_await event.wait();
                co_yield i;
            }
        };
        const auto consume = [](stream<int> s) -> task<int> {
            int n = 0;
            while (const auto element = co_await s.next())
                n += static_cast<int>(*element == n);
            co_return n;
        };
        const auto release = [](cadre::async_event event) -> task<> {
            event.set();
            co_return;
        };
        const auto results = co_await cadre::when_all(consume(elements(half_way)), release(half_way));
        EXPECT_EQ(std::get<0>(results), count);
    };
    sync_wait(body());
}

}  // namespace
