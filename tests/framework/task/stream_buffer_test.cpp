// views::buffer: reads ahead of its consumer, in a task of its own, which ends with the stream.
#include <cadre/stream_views.hpp>

#include <ranges>
#include <stdexcept>

#include <gtest/gtest.h>

#include <cadre/as_outcome.hpp>
#include <cadre/executors/thread.hpp>
#include <cadre/on.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stream.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/task.hpp>
#include <cadre/when_any.hpp>

#include "counted_stream.hpp"

namespace {

using namespace std::chrono_literals;
using cadre::stream;
using cadre::sync_wait;
using cadre::task;
namespace views = cadre::views;
using stream_tests::counting;
using stream_tests::source_log;

TEST(stream_buffer, reads_ahead_up_to_its_size) {
    source_log log;
    const auto body = [&]() -> task<> {
        auto s = counting(log) | views::buffer(3);
        EXPECT_EQ(log.read, 0);
        EXPECT_EQ(co_await s.next(), 0);
        for (int i = 0; i < 20; ++i)
            co_await cadre::yield();
        EXPECT_EQ(log.read, 4);  // one is delivered, three wait
        EXPECT_EQ(co_await s.next(), 1);
        for (int i = 0; i < 20; ++i)
            co_await cadre::yield();
        EXPECT_EQ(log.read, 5);
    };
    sync_wait(body());
}

TEST(stream_buffer, gives_all_elements_then_the_error) {
    const auto failing = [](int i) {
        if (i == 5) throw std::domain_error("five");
        return i;
    };
    const auto body = [&]() -> task<> {
        auto s = std::views::iota(0) | views::transform(failing) | views::buffer(2);
        for (int i = 0; i < 5; ++i)
            EXPECT_EQ(co_await s.next(), i);
        const auto failed = co_await cadre::as_outcome(s.next());
        EXPECT_THROW((void)failed.value(), std::domain_error);
        EXPECT_FALSE((co_await s.next()).has_value());
    };
    sync_wait(body());
    EXPECT_THROW((void)views::buffer(0), std::invalid_argument);
}

TEST(stream_buffer, dropping_it_at_any_element_stops_its_reader) {
    for (int given = 0; given < 12; ++given) {
        source_log log;
        const auto body = [&]() -> task<> {
            {
                auto s = counting(log) | views::buffer(2);
                for (int i = 0; i < given; ++i)
                    (void)co_await s.next();
                if (given % 3 == 1) (void)co_await cadre::when_any(s.next(), cadre::yield());
            }
            while (given != 0 && log.ended == 0)
                co_await cadre::yield();
        };
        sync_wait(body());
        EXPECT_EQ(log.ended, given == 0 ? 0 : 1);
    }
}

TEST(stream_buffer, runs_beside_its_consumer_on_a_pool) {
    const cadre::thread_executor pool{{.workers = 2}};
    const auto body = []() -> task<long> {
        long sum = 0;
        auto s = std::views::iota(0, 20'000) | views::transform([](int i) -> task<int> {
                     if (i % 7 == 0) co_await cadre::yield();
                     co_return i;
                 }) |
                 views::buffer(8) | views::buffer(1);
        while (const auto i = co_await s.next())
            sum += *i;
        co_return sum;
    };
    EXPECT_EQ(sync_wait(cadre::on(pool, body)), 20'000L * 19'999 / 2);
    const auto dropped = [](int given) -> task<> {
        auto s = std::views::iota(0) | views::buffer(4) | views::buffer(4);
        for (int i = 0; i < given; ++i)
            (void)co_await s.next();
    };
    const auto all = [&]() -> task<> {
        for (int i = 0; i < 200; ++i)
            co_await cadre::on(pool, dropped, i % 10);
        co_await pool.shutdown(10s);  // waits for the readers
    };
    sync_wait(all());
}

}  // namespace
