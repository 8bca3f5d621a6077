// use_task inside every adapter of Boost.Asio, and with every operation that names its return type.
#include <cadre/asio.hpp>

#include <chrono>
#include <cstddef>
#include <memory_resource>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include <boost/asio/append.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/consign.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/as_single.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/prepend.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#if __has_include(<boost/asio/cancel_after.hpp>)
#    include <boost/asio/cancel_after.hpp>
#endif
#if __has_include(<boost/asio/bind_immediate_executor.hpp>)
#    include <boost/asio/bind_immediate_executor.hpp>
#endif

#include <cadre/errors.hpp>
#include <cadre/sleep.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>

#include "framework/asio/asio_fixture.hpp"

namespace {

using namespace asio_test;
using namespace std::chrono_literals;
using boost::system::error_code;
using cadre::sync_wait;

// Both ways in which an initiating function states its return type.
template <class Token>
auto deduces(error_code error, int value, Token&& token) {
    return asio::async_initiate<Token, void(error_code, int)>(
        [](auto handler, error_code e, int v) {
            const auto executor = asio::get_associated_executor(handler);  // before the handler is moved from
            asio::post(asio::bind_executor(executor, [h = std::move(handler), e, v]() mutable { std::move(h)(e, v); }));
        },
        token, error, value);
}
template <class Token>
typename asio::async_result<std::decay_t<Token>, void(error_code, int)>::return_type names(error_code error, int value,
                                                                                           Token&& token) {
    return deduces(error, value, std::forward<Token>(token));
}

constexpr auto aborted = asio::error::operation_aborted;

TEST(asio_adapters, return_type_is_named) {
    sync_wait([]() -> task<void> {
        EXPECT_EQ(co_await names({}, 1, use_task), 1);
        EXPECT_THROW((void)co_await names(aborted, 1, use_task), boost::system::system_error);
        auto operation = names({}, 2, use_task);
        auto moved = std::move(operation);
        EXPECT_EQ(co_await std::move(moved), 2);
        {
            auto unused = names({}, 3, use_task);
        }  // never awaited: never started
        EXPECT_EQ(co_await cadre::timeout(10s, names({}, 4, use_task)), 4);
    }());
}

TEST(asio_adapters, redirect_error) {
    sync_wait([]() -> task<void> {
        error_code error;
        EXPECT_EQ(co_await deduces(aborted, 1, asio::redirect_error(use_task, error)), 1);
        EXPECT_EQ(error, aborted);
        EXPECT_EQ(co_await names({}, 2, asio::redirect_error(use_task, error)), 2);
        EXPECT_FALSE(error);
        asio::steady_timer timer(cadre::asio_context(co_await cadre::this_task::executor()), 1ms);
        co_await timer.async_wait(asio::redirect_error(use_task, error));
        EXPECT_FALSE(error);
    }());
}

TEST(asio_adapters, as_tuple_and_as_single) {
    sync_wait([]() -> task<void> {
        using both = std::tuple<error_code, int>;
        EXPECT_EQ(co_await deduces(aborted, 1, asio::as_tuple(use_task)), both(aborted, 1));
        EXPECT_EQ(co_await names(aborted, 1, asio::as_tuple(use_task)), both(aborted, 1));
        EXPECT_EQ(co_await deduces(aborted, 2, asio::experimental::as_single(use_task)), both(aborted, 2));
        EXPECT_EQ(co_await names(aborted, 2, asio::experimental::as_single(use_task)), both(aborted, 2));
    }());
}

TEST(asio_adapters, append_prepend_and_consign) {
    sync_wait([]() -> task<void> {
        EXPECT_EQ(co_await deduces({}, 1, asio::append(use_task, std::string("more"))),
                  std::make_tuple(1, std::string("more")));
        EXPECT_EQ(co_await deduces(aborted, 1, asio::prepend(use_task, 7)), std::make_tuple(7, error_code(aborted), 1));
        auto kept = std::make_shared<int>(1);
        EXPECT_EQ(co_await deduces({}, 2, asio::consign(use_task, kept)), 2);
        EXPECT_EQ(kept.use_count(), 1);
        EXPECT_EQ(co_await deduces({}, 3, asio::append(asio::as_tuple(use_task), 'x')),
                  std::make_tuple(error_code(), 3, 'x'));
    }());
}

TEST(asio_adapters, deferred_operations) {
    sync_wait([]() -> task<void> {
        auto later = deduces({}, 1, asio::deferred);
        EXPECT_EQ(co_await std::move(later)(use_task), 1);
        auto chain = deduces({}, 2, asio::deferred([](error_code, int v) { return asio::deferred.values(v * 10); }));
        EXPECT_EQ(co_await std::move(chain)(use_task), 20);
    }());
}

TEST(asio_adapters, bind_executor_runs_the_steps_there) {
    sync_wait([]() -> task<void> {
        asio::io_context& context = cadre::asio_context(co_await cadre::this_task::executor());
        const auto strand = asio::make_strand(context);
        EXPECT_EQ(co_await deduces({}, 1, asio::bind_executor(strand, use_task)), 1);
        EXPECT_EQ(co_await names({}, 2, asio::bind_executor(strand, use_task)), 2);
#if __has_include(<boost/asio/bind_immediate_executor.hpp>)
        EXPECT_EQ(co_await deduces({}, 3, asio::bind_immediate_executor(strand, use_task)), 3);
#endif
    }());
}

TEST(asio_adapters, bind_allocator_supplies_the_memory) {
    sync_wait([]() -> task<void> {
        std::pmr::monotonic_buffer_resource memory;
        const std::pmr::polymorphic_allocator<char> allocator(&memory);
        EXPECT_EQ(co_await deduces({}, 1, asio::bind_allocator(allocator, use_task)), 1);
        EXPECT_EQ(co_await names({}, 2, asio::bind_allocator(allocator, use_task)), 2);
        asio::steady_timer timer(cadre::asio_context(co_await cadre::this_task::executor()), 1ms);
        co_await timer.async_wait(asio::bind_allocator(allocator, use_task));
    }());
}

TEST(asio_adapters, bind_cancellation_slot_replaces_the_stop_request) {
    sync_wait([]() -> task<void> {
        asio::cancellation_signal signal;
        asio::steady_timer timer(cadre::asio_context(co_await cadre::this_task::executor()), 1h);
        const auto wait = [](asio::steady_timer& t, asio::cancellation_slot slot) -> task<bool> {
            const auto [error] = co_await t.async_wait(asio::bind_cancellation_slot(slot, asio::as_tuple(use_task)));
            co_return error == aborted;
        };
        const auto emit = [](asio::cancellation_signal& s) -> task<void> {
            co_await cadre::yield();
            s.emit(asio::cancellation_type::terminal);
        };
        const auto [was_aborted, emitted] = co_await cadre::when_all(wait(timer, signal.slot()), emit(signal));
        EXPECT_TRUE(was_aborted);
        EXPECT_EQ(co_await names({}, 2, asio::bind_cancellation_slot(signal.slot(), use_task)), 2);
    }());
}

#if __has_include(<boost/asio/cancel_after.hpp>)
TEST(asio_adapters, cancel_after) {
    sync_wait([]() -> task<void> {
        asio::steady_timer timer(cadre::asio_context(co_await cadre::this_task::executor()), 1h);
        const auto [error] = co_await timer.async_wait(asio::cancel_after(1ms, asio::as_tuple(use_task)));
        EXPECT_EQ(error, aborted);
        EXPECT_THROW(co_await timer.async_wait(asio::cancel_after(1ms, use_task)), boost::system::system_error);
        EXPECT_THROW(co_await cadre::timeout(1ms, timer.async_wait(asio::cancel_after(1h, use_task))),
                     cadre::timed_out);
    }());
}
#endif

TEST(asio_adapters, composed_operations_and_groups) {
    sync_wait([]() -> task<void> {
        asio::io_context& context = cadre::asio_context(co_await cadre::this_task::executor());
        asio::steady_timer timer(context);
        const auto twice = [&](auto token) {
            return asio::async_compose<decltype(token), void(error_code, int)>(
                [&timer, rounds = 0](auto& self, error_code error = {}) mutable {
                    if (error || rounds++ == 2) return self.complete(error, rounds);
                    timer.expires_after(100us);
                    timer.async_wait(std::move(self));
                },
                token, timer);
        };
        EXPECT_EQ(co_await twice(use_task), 3);
        asio::steady_timer slow(context, 1h);
        asio::steady_timer fast(context, 1ms);
        const auto [order, first, second] = co_await asio::experimental::make_parallel_group(
                                                slow.async_wait(asio::deferred), fast.async_wait(asio::deferred))
                                                .async_wait(asio::experimental::wait_for_one(), use_task);
        EXPECT_EQ(order[0], 1u);
        EXPECT_EQ(first, aborted);
        EXPECT_FALSE(second);
    }());
}

TEST(asio_adapters, channels) {
    sync_wait([]() -> task<void> {
        asio::experimental::channel<void(error_code, std::string)> channel(
            cadre::asio_context(co_await cadre::this_task::executor()), 0);
        error_code error;
        const auto send = [](auto& ch) -> task<void> {
            for (const char* text : {"one", "two"})
                co_await ch.async_send(error_code(), text, use_task);
            ch.close();
        };
        const auto receive = [](auto& ch, error_code& e) -> task<std::vector<std::string>> {
            std::vector<std::string> got;
            for (;;) {
                auto text = co_await ch.async_receive(asio::redirect_error(use_task, e));
                if (e) co_return got;
                got.push_back(std::move(text));
            }
        };
        const auto [got, sent] = co_await cadre::when_all(receive(channel, error), send(channel));
        EXPECT_EQ(got, (std::vector<std::string>{"one", "two"}));
        EXPECT_EQ(error, asio::experimental::error::channel_closed);
    }());
}

}  // namespace
