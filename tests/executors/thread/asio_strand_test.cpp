// Handlers of use_task on a pool: the steps of one operation run one at a time, on the workers.
#include <cadre/asio.hpp>

#include <atomic>
#include <chrono>
#include <functional>

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cadre/cadre.hpp>

#include "framework/asio/asio_fixture.hpp"

namespace {

using namespace asio_test;
using namespace std::chrono_literals;
using cadre::sync_wait;
using cadre::thread_executor;

// The steps of an operation exclude each other on a pool, and a step of one operation may wait for one of another.
TEST(asio_strand, steps_exclude_each_other_on_a_pool) {
    const thread_executor pool{{.workers = 3}};
    sync_wait(cadre::on(pool, []() -> task<void> {
        for (int round = 0; round < 200; ++round) {
            const auto a = co_await executor_of_handler();
            const auto b = co_await executor_of_handler();
            int by_a = 0;
            int by_b = 0;
            std::atomic<int> left{40};
            for (int i = 0; i < 10; ++i) {
                asio::post(a, [&] {
                    ++by_a;
                    asio::dispatch(b, [&] {
                        ++by_b;
                        --left;
                    });
                    --left;
                });
                asio::post(b, [&] {
                    ++by_b;
                    asio::dispatch(a, [&] {
                        ++by_a;
                        --left;
                    });
                    --left;
                });
            }
            while (left != 0)
                co_await cadre::yield();
            EXPECT_EQ(by_a + by_b, 40);
        }
    }));
}

// A stop request, the end of the operation and functions of a third thread meet.
TEST(asio_strand, stop_requests_race_with_steps) {
    const thread_executor pool{{.workers = 2}};
    foreign_context foreign;
    sync_wait(cadre::on(
        pool,
        [](asio::io_context& context) -> task<void> {
            for (int i = 0; i < 300; ++i) {
                asio::steady_timer limit(context, 30s);
                asio::steady_timer work(context, std::chrono::microseconds(i % 40));
                try {
                    co_await cadre::timeout(std::chrono::microseconds(i % 50), async_guarded(limit, work, use_task));
                } catch (const cadre::timed_out&) {
                    // The operation ignores cancellation: it has ended all the same.
                }
            }
        },
        std::ref(foreign.context)));
}

}  // namespace
