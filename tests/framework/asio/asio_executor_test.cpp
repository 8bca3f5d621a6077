// asio_executor and as_asio: the requirements of Asio on an executor, and tasks inside Asio's coroutines.
#include <cadre/asio.hpp>

#include <chrono>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/defer.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <cadre/detail/scheduler/run_loop.hpp>
#include <cadre/errors.hpp>
#include <cadre/on.hpp>
#include <cadre/run_blocking.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>

#include "framework/asio/asio_fixture.hpp"

namespace {

using namespace asio_test;
using namespace std::chrono_literals;
using cadre::asio_executor;
using cadre::sync_wait;

static_assert(asio::execution::is_executor<asio_executor>::value);
static_assert(std::is_convertible_v<asio_executor, asio::any_io_executor>);
static_assert(std::is_nothrow_copy_constructible_v<asio_executor>);
static_assert(asio_executor::query(asio::execution::blocking) == asio::execution::blocking.never);
static_assert(asio_executor::query(asio::execution::outstanding_work) == asio::execution::outstanding_work.tracked);

task<asio_executor> own_executor() { co_return asio_executor(co_await cadre::this_task::executor()); }

TEST(asio_executor, runs_posted_functions_in_order_on_the_loop) {
    sync_wait([]() -> task<void> {
        const asio_executor ex = co_await own_executor();
        std::vector<int> order;
        const auto here = std::this_thread::get_id();
        const auto note = [&order, here](int i) {
            return [&order, here, i] {
                EXPECT_EQ(std::this_thread::get_id(), here);
                order.push_back(i);
            };
        };
        asio::post(ex, note(1));
        asio::dispatch(ex, note(2));
        asio::defer(ex, note(3));
        asio::any_io_executor any = ex;
        asio::post(any, note(4));
        auto strand = asio::make_strand(ex);
        asio::post(strand, note(5));
        asio::post(asio::bind_executor(ex, note(6)));
        EXPECT_TRUE(order.empty());
        while (order.size() != 6)
            co_await cadre::yield();
        EXPECT_EQ(std::vector<int>(order.begin(), order.begin() + 4), (std::vector<int>{1, 2, 3, 4}));
    }());
}

TEST(asio_executor, equality_is_that_of_the_executor) {
    const cadre::executor a(cadre::detail::run_loop::make());
    const cadre::executor b(cadre::detail::run_loop::make());
    EXPECT_EQ(asio_executor(a), asio_executor(a));
    EXPECT_NE(asio_executor(a), asio_executor(b));
    EXPECT_EQ(asio::any_io_executor(asio_executor(a)), asio::any_io_executor(asio_executor(a)));
}

TEST(asio_executor, keeps_the_executor_alive_while_work_is_outstanding) {
    std::weak_ptr<cadre::executor_backend> backend;
    bool ran = false;
    {
        const cadre::executor ex(cadre::detail::run_loop::make());
        backend = ex.backend();
        asio::post(asio_executor(ex), [&ran] { ran = true; });
        auto timer = std::make_shared<asio::steady_timer>(asio_executor(ex), 1ms);
        timer->async_wait([timer](boost::system::error_code) {});
    }
    sync_wait(cadre::sleep_for(1ms));
    EXPECT_TRUE(ran);
    for (int i = 0; i < 10'000 && !backend.expired(); ++i)
        sync_wait(cadre::sleep_for(1ms));
    EXPECT_TRUE(backend.expired());
}

TEST(asio_executor, co_spawn_timers_and_futures) {
    const cadre::executor ex(cadre::detail::run_loop::make());
    const auto count = [](int n) -> asio::awaitable<int> {
        asio::steady_timer timer(co_await asio::this_coro::executor);
        for (int i = 0; i < n; ++i) {
            timer.expires_after(100us);
            co_await timer.async_wait(asio::use_awaitable);
        }
        co_return n;
    };
    sync_wait([](cadre::executor e, auto f) -> task<void> {
        EXPECT_EQ(co_await asio::co_spawn(asio_executor(e), f(5), use_task), 5);
        EXPECT_EQ(co_await asio::co_spawn(cadre::asio_context(e), f(6), use_task), 6);
        EXPECT_EQ(co_await asio::co_spawn(asio::make_strand(asio_executor(e)), f(7), use_task), 7);
    }(ex, count));
    auto future = asio::co_spawn(asio_executor(ex), count(3), asio::use_future);
    sync_wait([](std::future<int>& f) -> task<void> { co_await cadre::run_blocking([&f] { f.wait(); }); }(future));
    EXPECT_EQ(future.get(), 3);
}

task<int> half(int x) {
    co_await cadre::sleep_for(100us);
    if (x % 2 != 0) throw std::invalid_argument("odd");
    co_return x / 2;
}

asio::awaitable<int> use_tasks() {
    int sum = 0;
    for (int i = 0; i < 10; i += 2)
        sum += co_await cadre::as_asio(half(i), asio::use_awaitable);
    bool thrown = false;
    try {
        co_await cadre::as_asio(half(1), asio::use_awaitable);
    } catch (const std::invalid_argument&) {
        thrown = true;
    }
    const auto nothing = []() -> task<void> { co_return; };
    co_await cadre::as_asio(nothing(), asio::use_awaitable);
    co_return thrown ? sum : -1;
}

TEST(as_asio, tasks_inside_awaitable) {
    const cadre::executor ex(cadre::detail::run_loop::make());
    sync_wait([](cadre::executor e) -> task<void> {
        EXPECT_EQ(co_await asio::co_spawn(asio_executor(e), use_tasks(), use_task), 10);
        EXPECT_EQ(co_await asio::co_spawn(cadre::asio_context(e), use_tasks(), use_task), 10);
        EXPECT_EQ(co_await asio::co_spawn(asio::make_strand(cadre::asio_context(e)), use_tasks(), use_task), 10);
    }(ex));
}

TEST(as_asio, home_is_the_loop_of_the_context) {
    const cadre::executor ex(cadre::detail::run_loop::make());
    sync_wait([](cadre::executor e) -> task<void> {
        const auto where = []() -> task<cadre::executor> { co_return co_await cadre::this_task::executor(); };
        const auto ask = [where]() -> asio::awaitable<cadre::executor> {
            co_return co_await cadre::as_asio(where(), asio::use_awaitable);
        };
        EXPECT_EQ(co_await asio::co_spawn(asio_executor(e), ask(), use_task), e);
        EXPECT_EQ(co_await asio::co_spawn(cadre::asio_context(e), ask(), use_task), e);
        EXPECT_EQ(co_await cadre::as_asio(e, where(), use_task), e);
    }(ex));
}

TEST(as_asio, in_a_context_of_another_library) {
    asio::io_context context;
    auto future = asio::co_spawn(context, use_tasks(), asio::use_future);
    context.run();
    EXPECT_EQ(future.get(), 10);
}

TEST(as_asio, cancellation_is_a_stop_request) {
    asio::io_context context;
    asio::cancellation_signal signal;
    std::exception_ptr error;
    const auto forever = []() -> task<int> {
        co_await cadre::sleep_for(1h);
        co_return 1;
    };
    cadre::as_asio(forever(),
                   asio::bind_cancellation_slot(
                       signal.slot(), asio::bind_executor(context, [&](std::exception_ptr e, int) { error = e; })));
    asio::steady_timer timer(context, 2ms);
    timer.async_wait([&](boost::system::error_code) { signal.emit(asio::cancellation_type::terminal); });
    context.run();
    ASSERT_TRUE(error);
    EXPECT_THROW(std::rethrow_exception(error), cadre::cancelled);
}

}  // namespace
