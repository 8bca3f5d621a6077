// The executor of a use_task handler is a value: copies are used by other threads, and after the await and its home
// have ended.
#include <cadre/asio.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/defer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>

#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/errors.hpp>
#include <cadre/on.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>

#include "framework/asio/asio_fixture.hpp"

namespace {

using namespace asio_test;
using namespace std::chrono_literals;
using cadre::sync_wait;

static_assert(asio::execution::is_executor<handler_executor>::value);
static_assert(std::is_convertible_v<handler_executor, asio::any_io_executor>);
static_assert(std::is_nothrow_copy_constructible_v<handler_executor>);
static_assert(std::is_nothrow_move_constructible_v<handler_executor>);
static_assert(handler_executor::query(asio::execution::outstanding_work) == asio::execution::outstanding_work.tracked);

task<void> guarded_rounds(asio::io_context& context, int rounds) {
    for (int i = 0; i < rounds; ++i) {
        asio::steady_timer limit(context, 30s);
        asio::steady_timer work(context, std::chrono::microseconds(i % 50));
        co_await async_guarded(limit, work, use_task);
        if (i % 3 == 0) co_await cadre::sleep_for(50us);
    }
}

TEST(handler_executor, outlives_the_handler_in_a_timer) {
    foreign_context foreign;
    sync_wait([](asio::io_context& other) -> task<void> {
        asio::io_context& own = cadre::asio_context(co_await cadre::this_task::executor());
        cadre::scope s;
        for (int i = 0; i < 20; ++i)
            s.spawn(guarded_rounds(i % 2 == 0 ? own : other, 100));
        co_await s.join();
    }(foreign.context));
}

TEST(handler_executor, properties_and_equality_are_those_of_asio) {
    sync_wait([]() -> task<void> {
        const auto a = co_await executor_of_handler();
        const auto b = co_await executor_of_handler();
        const auto copy = a;
        EXPECT_EQ(a, copy);
        EXPECT_NE(a, b);
        const auto posting = asio::require(a, asio::execution::blocking.never);
        EXPECT_NE(a, posting);
        EXPECT_EQ(asio::require(posting, asio::execution::blocking.possibly), a);
        EXPECT_EQ(asio::query(posting, asio::execution::blocking), asio::execution::blocking.never);
        EXPECT_EQ(asio::prefer(a, asio::execution::outstanding_work.tracked), a);
        EXPECT_EQ(asio::any_io_executor(a), asio::any_io_executor(copy));
        EXPECT_EQ(&asio::query(a, asio::execution::context),
                  &cadre::asio_context(co_await cadre::this_task::executor()));
        auto guard = asio::make_work_guard(a);
        guard.reset();
        asio::steady_timer timer(a, 1ms);  // an I/O object of its own
        co_await timer.async_wait(use_task);
        auto assigned = a;
        assigned = b;
        EXPECT_EQ(assigned, b);
    }());
}

TEST(handler_executor, dispatch_is_in_place_at_home_and_post_is_not) {
    sync_wait([]() -> task<void> {
        const auto ex = co_await executor_of_handler();
        int ran = 0;
        asio::dispatch(ex, [&] {
            ++ran;
            asio::dispatch(ex, [&] { ++ran; });
        });
        EXPECT_EQ(ran, 2);
        asio::post(ex, [&] { ++ran; });
        asio::defer(ex, [&] { ++ran; });
        EXPECT_EQ(ran, 2);
        while (ran != 4)
            co_await cadre::yield();
        const auto throws = [&] { asio::dispatch(ex, [] { throw std::runtime_error("no"); }); };
        EXPECT_THROW(throws(), std::runtime_error);
        asio::dispatch(ex, [&] { ++ran; });
        EXPECT_EQ(ran, 5);
    }());
}

TEST(handler_executor, functions_of_other_threads_run_at_home) {
    for (int round = 0; round < 100; ++round)
        sync_wait([]() -> task<void> {
            const auto home = std::this_thread::get_id();
            const auto ex = co_await executor_of_handler();
            int ran = 0;  // by one thread at a time
            std::vector<std::thread> others;
            for (int i = 0; i < 3; ++i)
                others.emplace_back([&ran, ex, home] {
                    const auto note = [&ran, home] {
                        EXPECT_EQ(std::this_thread::get_id(), home);
                        ++ran;
                    };
                    asio::dispatch(ex, note);
                    asio::post(asio::any_io_executor(ex), note);
                });
            while (ran != 6)
                co_await cadre::yield();
            for (std::thread& t : others)
                t.join();
        }());
}

TEST(handler_executor, after_the_end_of_its_home_destroys_functions) {
    std::optional<handler_executor> kept;
    std::optional<asio::any_io_executor> any;
    {
        const cadre::executor ex(cadre::detail::run_loop::make());
        sync_wait(cadre::on(cadre::local_executor(ex), [&]() -> task<void> {
            kept = co_await executor_of_handler();
            any = *kept;
        }));
        EXPECT_NE(kept->home(), nullptr);
    }
    for (int i = 0; i < 10'000 && kept->home() != nullptr; ++i)
        std::this_thread::sleep_for(1ms);
    ASSERT_EQ(kept->home(), nullptr);
    auto held = std::make_shared<int>(1);
    bool ran = false;
    asio::post(*kept, [held, &ran] { ran = true; });
    asio::dispatch(*any, [held, &ran] { ran = true; });
    EXPECT_EQ(held.use_count(), 1);
    EXPECT_FALSE(ran);
    EXPECT_THROW((void)asio::query(*kept, asio::execution::context), cadre::executor_stopped);
    EXPECT_EQ(*kept, handler_executor(*kept));
}

TEST(handler_executor, of_a_task_in_a_context_of_another_library_stays_usable) {
    asio::io_context context;
    std::optional<handler_executor> kept;
    const auto keep = [](std::optional<handler_executor>& k) -> task<int> {
        k = co_await executor_of_handler();
        co_return 1;
    };
    auto one = cadre::as_asio(keep(kept), asio::bind_executor(context, asio::use_future));
    context.run();
    EXPECT_EQ(one.get(), 1);
    bool ran = false;
    asio::post(*kept, [&] { ran = true; });
    EXPECT_FALSE(ran);
    EXPECT_EQ(&asio::query(*kept, asio::execution::context), &context);
    context.restart();
    context.run();
    EXPECT_TRUE(ran);
}

}  // namespace
