// The reactor of a serial loop: made at the first use, uses no CPU while idle, wakes for work, timers and events;
// several reactors share a thread.
#include <cadre/detail/scheduler/reactor.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/errors.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/when_all.hpp>

#include "framework/asio/asio_fixture.hpp"

namespace {

using namespace asio_test;
using namespace std::chrono_literals;
using cadre::sync_wait;
using cadre::detail::reactor_holder;

cadre::executor new_loop() { return cadre::executor(cadre::detail::run_loop::make()); }

class no_reactor final : public cadre::executor_backend {
public:
    [[nodiscard]] cadre::executor_kind kind() const noexcept override { return cadre::executor_kind::custom; }
    [[nodiscard]] std::size_t concurrency() const noexcept override { return 1; }
    [[nodiscard]] std::string name() const override { return "plain"; }
    using executor_backend::submit;
    void submit(std::span<cadre::work_item* const>) noexcept override {}
};

TEST(reactor, is_made_at_the_first_use) {
    const cadre::executor ex = new_loop();
    auto* place = static_cast<reactor_holder*>(ex.backend()->query(typeid(reactor_holder)));
    ASSERT_NE(place, nullptr);
    sync_wait(cadre::on(ex, [] {}));
    const cadre::asio_executor made_without_context(ex);
    asio::post(made_without_context, [] {});
    sync_wait(cadre::sleep_for(1ms));
    EXPECT_EQ(place->get(), nullptr);
    asio::io_context& context = cadre::asio_context(ex);
    EXPECT_NE(place->get(), nullptr);
    EXPECT_EQ(&cadre::asio_context(ex), &context);
}

TEST(reactor, an_executor_without_a_reactor_reports_it) {
    const cadre::executor ex(std::make_shared<no_reactor>());
    try {
        (void)cadre::asio_context(ex);
        ADD_FAILURE() << "nothing thrown";
    } catch (const cadre::config_error& e) {
        EXPECT_EQ(std::string(e.what()),
                  "executor 'plain' (custom) runs no io_context; serial and thread executors do");
    }
    EXPECT_THROW((void)cadre::asio_context(cadre::executor{}), std::logic_error);
}

TEST(reactor, uses_no_cpu_while_idle) {
    sync_wait([]() -> task<void> {
        asio::steady_timer never(cadre::asio_context(co_await cadre::this_task::executor()), 1h);
        never.async_wait([](boost::system::error_code) {});
        co_await cadre::sleep_for(1ms);
        const auto before = cpu_time();
        co_await cadre::sleep_for(500ms);
        EXPECT_LT(cpu_time() - before, 100ms);
    }());
}

TEST(reactor, a_sleeper_wakes_for_work_timers_and_posts) {
    sync_wait([]() -> task<void> {
        const cadre::executor ex = co_await cadre::this_task::executor();
        asio::io_context& context = cadre::asio_context(ex);
        const auto home = std::this_thread::get_id();
        for (int i = 0; i < 100; ++i) {
            // From another thread: an item for the loop, a handler for its context.
            std::atomic<bool> posted{false};
            std::thread other([&] {
                asio::post(cadre::asio_executor(ex), [&] { EXPECT_EQ(std::this_thread::get_id(), home); });
                asio::post(context, [&] {
                    EXPECT_EQ(std::this_thread::get_id(), home);
                    posted = true;
                });
            });
            while (!posted)
                co_await cadre::sleep_for(20us);
            other.join();
        }
    }());
}

TEST(reactor, handlers_and_a_busy_loop_share_the_thread) {
    sync_wait([]() -> task<void> {
        asio::io_context& context = cadre::asio_context(co_await cadre::this_task::executor());
        std::atomic<bool> fired{false};
        asio::steady_timer timer(context, 1ms);
        timer.async_wait([&](boost::system::error_code) { fired = true; });
        while (!fired)  // never idle
            co_await cadre::yield();
        EXPECT_TRUE(fired);
        // Handlers that repost themselves forever do not starve tasks.
        bool stop = false;
        std::function<void()> again = [&] {
            if (!stop) asio::post(context, [&] { again(); });
        };
        again();
        for (int i = 0; i < 200; ++i)
            co_await cadre::yield();
        co_await cadre::sleep_for(1ms);
        stop = true;
        co_await asio::post(context, use_task);
    }());
}

TEST(reactor, several_loops_with_reactors_share_a_thread) {
    const cadre::executor a = new_loop();
    const cadre::executor b = new_loop();
    const cadre::executor c = new_loop();
    sync_wait([](cadre::executor x, cadre::executor y, cadre::executor z) -> task<void> {
        const auto home = std::this_thread::get_id();
        const auto tick = [home](cadre::executor ex, int n) -> task<int> {
            co_await cadre::yield();
            asio::steady_timer timer(cadre::asio_context(ex));
            for (int i = 0; i < n; ++i) {
                timer.expires_after(std::chrono::microseconds(i % 5 * 100));
                co_await timer.async_wait(use_task);
                EXPECT_EQ(std::this_thread::get_id(), home);
            }
            co_return n;
        };
        // The thread sleeps in one reactor and has to be woken by the events of the others.
        auto first = cadre::spawn(cadre::local_executor(x), tick, x, 100);
        auto second = cadre::spawn(cadre::local_executor(y), tick, y, 150);
        auto third = cadre::spawn(cadre::local_executor(z), tick, z, 50);
        EXPECT_EQ(co_await third, 50);
        EXPECT_EQ(co_await first, 100);
        EXPECT_EQ(co_await second, 150);
        EXPECT_EQ(co_await ping_pong(x, 2, 20) + co_await ping_pong(y, 2, 20), 2u * 2 * 20 * 55);
        const auto before = cpu_time();
        co_await cadre::sleep_for(300ms);
        EXPECT_LT(cpu_time() - before, 100ms);
    }(a, b, c));
}

TEST(reactor, its_loop_passes_to_the_next_driver) {
    const cadre::executor ex = new_loop();
    auto timer = std::make_unique<asio::steady_timer>(cadre::asio_context(ex), 1h);
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 30; ++i)
                EXPECT_EQ(sync_wait(cadre::on(
                              cadre::local_executor(ex),
                              [](cadre::executor e, int n) -> task<int> {
                                  asio::steady_timer wait(cadre::asio_context(e), std::chrono::microseconds(n * 10));
                                  co_await wait.async_wait(use_task);
                                  co_return n;
                              },
                              ex, i)),
                          i);
        });
    for (std::thread& t : threads)
        t.join();
}

TEST(reactor, a_shutdown_ends_the_waits_of_tasks) {
    const cadre::executor ex = new_loop();
    EXPECT_TRUE(sync_wait(shutdown_ends_a_wait(ex)));
}

TEST(reactor, pending_handlers_are_destroyed_with_the_executor) {
    auto witness = std::make_shared<int>(1);
    {
        cadre::executor ex = new_loop();
        asio::post(cadre::asio_context(ex), [witness] { ADD_FAILURE() << "ran"; });
        EXPECT_EQ(witness.use_count(), 2);
    }
    EXPECT_EQ(witness.use_count(), 1);
}

TEST(reactor, continues_after_the_context_was_stopped) {
    sync_wait([]() -> task<void> {
        asio::io_context& context = cadre::asio_context(co_await cadre::this_task::executor());
        for (int i = 0; i < 5; ++i) {
            context.stop();
            asio::steady_timer timer(context, 1ms);
            co_await timer.async_wait(use_task);
        }
    }());
}

}  // namespace
