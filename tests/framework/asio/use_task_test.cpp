// use_task: results by Asio's conventions, cancellation without loss, resumption at home.
#include <cadre/asio.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <cadre/errors.hpp>
#include <cadre/sleep.hpp>
#include <cadre/stop.hpp>
#include <cadre/sync_wait.hpp>
#include <cadre/timeout.hpp>
#include <cadre/when_all.hpp>
#include <cadre/when_any.hpp>

#include "framework/asio/asio_fixture.hpp"

namespace {

using namespace asio_test;
using namespace std::chrono_literals;
using boost::system::error_code;
using cadre::sync_wait;

task<asio::io_context*> own_context() { co_return &cadre::asio_context(co_await cadre::this_task::executor()); }

// An operation that `complete(handler)` completes.
template <class Signature, class Complete, class Token>
auto custom(Complete complete, Token&& token) {
    return asio::async_initiate<Token, Signature>([complete](auto handler) mutable { complete(std::move(handler)); },
                                                  token);
}
template <class Signature, class Complete>
auto custom(Complete complete) {
    return custom<Signature>(complete, use_task);
}

TEST(use_task, timers_wait) {
    sync_wait([]() -> task<void> {
        asio::steady_timer timer(*co_await own_context(), 5ms);
        const auto begin = std::chrono::steady_clock::now();
        co_await timer.async_wait(use_task);
        EXPECT_GE(std::chrono::steady_clock::now() - begin, 5ms);
    }());
}

TEST(use_task, sockets_echo_on_a_serial_loop) {
    for (const std::size_t connections : {1u, 3u, 20u})
        EXPECT_EQ(sync_wait([](std::size_t n) -> task<std::size_t> {
                      co_return co_await ping_pong(co_await cadre::this_task::executor(), n, 50);
                  }(connections)),
                  connections * 50 * 55);
}

TEST(use_task, event_loops_in_several_threads_are_independent) {
    std::vector<std::thread> threads;
    std::atomic<std::size_t> bytes{0};
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&bytes] {
            bytes += sync_wait([]() -> task<std::size_t> {
                co_return co_await ping_pong(co_await cadre::this_task::executor(), 2, 200);
            }());
        });
    for (std::thread& t : threads)
        t.join();
    EXPECT_EQ(bytes.load(), 3u * 2 * 200 * 55);
}

TEST(use_task, results_follow_asio) {
    sync_wait([]() -> task<void> {
        co_await custom<void()>([](auto h) { std::move(h)(); });
        EXPECT_EQ(co_await custom<void(int)>([](auto h) { std::move(h)(7); }), 7);
        const auto pair = co_await custom<void(int, std::string)>([](auto h) { std::move(h)(1, "two"); });
        EXPECT_EQ(pair, std::make_tuple(1, std::string("two")));
        co_await custom<void(error_code)>([](auto h) { std::move(h)(error_code{}); });
        EXPECT_EQ(co_await custom<void(error_code, int)>([](auto h) { std::move(h)(error_code{}, 3); }), 3);
        const auto two = co_await custom<void(error_code, int, int)>([](auto h) { std::move(h)(error_code{}, 4, 5); });
        EXPECT_EQ(two, std::make_tuple(4, 5));
        EXPECT_EQ(co_await custom<void(std::exception_ptr, int)>([](auto h) { std::move(h)(nullptr, 6); }), 6);
        auto moved =
            co_await custom<void(std::unique_ptr<int>)>([](auto h) { std::move(h)(std::make_unique<int>(8)); });
        EXPECT_EQ(*moved, 8);
    }());
}

TEST(use_task, errors_are_thrown_or_returned_by_as_tuple) {
    sync_wait([]() -> task<void> {
        const error_code refused = asio::error::connection_refused;
        const auto fail = [refused](auto h) { std::move(h)(refused, 1); };
        try {
            co_await custom<void(error_code, int)>(fail);
            ADD_FAILURE() << "nothing thrown";
        } catch (const boost::system::system_error& e) {
            EXPECT_EQ(e.code(), refused);
        }
        const auto [error, value] = co_await custom<void(error_code, int)>(fail, asio::as_tuple(use_task));
        EXPECT_EQ(error, refused);
        EXPECT_EQ(value, 1);
        const auto throwing = [](auto h) { std::move(h)(std::make_exception_ptr(std::out_of_range("far"))); };
        EXPECT_THROW(co_await custom<void(std::exception_ptr)>(throwing), std::out_of_range);
        tcp::socket socket(*co_await own_context());
        EXPECT_THROW(co_await socket.async_connect(tcp::endpoint(asio::ip::address_v4::loopback(), 1), use_task),
                     boost::system::system_error);
    }());
}

TEST(use_task, an_initiation_that_throws_throws_from_the_await) {
    EXPECT_THROW(sync_wait(custom<void(int)>([](auto) { throw std::runtime_error("no"); })), std::runtime_error);
}

TEST(use_task, an_operation_that_is_dropped_is_aborted) {
    try {
        sync_wait(custom<void(int)>([](auto h) { auto gone = std::move(h); }));
        ADD_FAILURE() << "nothing thrown";
    } catch (const boost::system::system_error& e) {
        EXPECT_EQ(e.code(), asio::error::operation_aborted);
    }
    sync_wait([]() -> task<void> {
        auto context = std::make_unique<asio::io_context>();
        const auto destroy = [](std::unique_ptr<asio::io_context>& c) -> task<void> {
            co_await cadre::yield();
            c.reset();
        };
        const auto wait = [](asio::io_context& c) -> task<bool> {
            try {
                co_await asio::post(c, use_task);
            } catch (const boost::system::system_error& e) {
                co_return e.code() == asio::error::operation_aborted;
            }
            co_return false;
        };
        const auto [aborted, done] = co_await cadre::when_all(wait(*context), destroy(context));
        EXPECT_TRUE(aborted);
    }());
}

TEST(use_task, timeouts_cancel_and_the_socket_remains_usable) {
    sync_wait([]() -> task<void> {
        auto [a, b] = connected_pair(*co_await own_context());
        std::array<char, 8> buffer{};
        for (int i = 0; i < 20; ++i) {
            EXPECT_THROW(co_await cadre::timeout(1ms, a.async_read_some(asio::buffer(buffer), use_task)),
                         cadre::timed_out);
            EXPECT_THROW(co_await cadre::timeout(1ms, asio::async_read(a, asio::buffer(buffer), use_task)),
                         cadre::timed_out);
        }
        co_await asio::async_write(b, asio::buffer("hello", 5), use_task);
        EXPECT_EQ(co_await cadre::timeout(10s, a.async_read_some(asio::buffer(buffer), use_task)), 5u);
    }());
}

TEST(use_task, a_stop_request_before_starts_nothing) {
    bool started = false;
    std::stop_source stop;
    stop.request_stop();
    EXPECT_THROW(sync_wait(cadre::with_stop(stop.get_token(), custom<void(int)>([&started](auto h) {
                                                started = true;
                                                std::move(h)(1);
                                            }))),
                 cadre::cancelled);
    EXPECT_FALSE(started);
}

TEST(use_task, a_stop_request_ends_a_wait_from_any_thread) {
    for (int i = 0; i < 50; ++i) {
        std::stop_source stop;
        std::thread other([&] {
            if (i % 2 == 0) std::this_thread::yield();
            stop.request_stop();
        });
        EXPECT_THROW(sync_wait([](std::stop_token token) -> task<void> {
                         asio::steady_timer timer(*co_await own_context(), 1h);
                         co_await cadre::with_stop(token, timer.async_wait(use_task));
                     }(stop.get_token())),
                     cadre::cancelled);
        other.join();
    }
}

TEST(use_task, an_abort_without_a_stop_request_is_not_cancelled) {
    sync_wait([]() -> task<void> {
        asio::steady_timer timer(*co_await own_context(), 1h);
        const auto cancel = [](asio::steady_timer& t) -> task<void> {
            co_await cadre::yield();
            t.cancel();
        };
        const auto wait = [](asio::steady_timer& t) -> task<bool> {
            try {
                co_await t.async_wait(use_task);
            } catch (const boost::system::system_error& e) {
                co_return e.code() == asio::error::operation_aborted;
            }
            co_return false;
        };
        const auto [aborted, done] = co_await cadre::when_all(wait(timer), cancel(timer));
        EXPECT_TRUE(aborted);
    }());
}

// Bytes are sent one by one while reads are cancelled at random: each is received exactly once.
TEST(use_task, cancellation_loses_nothing) {
    constexpr int count = 2000;
    const auto [sum, sent] = sync_wait([]() -> task<std::tuple<int, std::monostate>> {
        auto [a, b] = connected_pair(*co_await own_context());
        const auto send = [](tcp::socket& socket) -> task<void> {
            for (int i = 0; i < count; ++i) {
                const char one = 1;
                co_await asio::async_write(socket, asio::buffer(&one, 1), use_task);
                if (i % 7 == 0) co_await cadre::sleep_for(20us);
            }
            socket.shutdown(tcp::socket::shutdown_send);
        };
        const auto receive = [](tcp::socket& socket) -> task<int> {
            int got = 0;
            for (int i = 0;; ++i) {
                char one = 0;
                try {
                    const auto [error, size] = co_await cadre::timeout(
                        std::chrono::microseconds(i % 5 * 10),
                        socket.async_read_some(asio::buffer(&one, 1), asio::as_tuple(use_task)));
                    if (error == asio::error::eof) co_return got;
                    got += one;
                } catch (const cadre::timed_out&) {
                }
                co_await cadre::yield();
            }
        };
        co_return co_await cadre::when_all(receive(a), send(b));
    }());
    EXPECT_EQ(sum, count);
    (void)sent;
}

TEST(use_task, a_lost_race_is_cancelled) {
    sync_wait([]() -> task<void> {
        asio::io_context& context = *co_await own_context();
        asio::steady_timer fast(context, 1ms);
        asio::steady_timer slow(context, 1h);
        const auto first = co_await cadre::when_any(slow.async_wait(use_task), fast.async_wait(use_task));
        EXPECT_EQ(first.index(), 1u);
    }());
}

TEST(use_task, completion_by_another_thread_resumes_at_home) {
    foreign_context foreign;
    sync_wait([](asio::io_context& context) -> task<void> {
        const auto home = std::this_thread::get_id();
        for (int i = 0; i < 200; ++i) {
            asio::steady_timer timer(context, std::chrono::microseconds(i % 3 * 50));
            co_await timer.async_wait(use_task);
            EXPECT_EQ(std::this_thread::get_id(), home);
        }
        auto [a, b] = connected_pair(context);
        std::array<char, 8> buffer{};
        for (int i = 0; i < 50; ++i) {
            EXPECT_THROW(co_await cadre::timeout(200us, asio::async_read(a, asio::buffer(buffer), use_task)),
                         cadre::timed_out);
            EXPECT_EQ(std::this_thread::get_id(), home);
        }
        co_await asio::async_write(b, asio::buffer("12345678", 8), use_task);
        EXPECT_EQ(co_await asio::async_read(a, asio::buffer(buffer), use_task), 8u);
        co_await custom<void()>([](auto h) { std::thread([g = std::move(h)]() mutable { std::move(g)(); }).detach(); });
        EXPECT_EQ(std::this_thread::get_id(), home);
    }(foreign.context));
}

TEST(use_task, may_be_bound_to_an_executor) {
    sync_wait([]() -> task<void> {
        asio::io_context& context = *co_await own_context();
        auto strand = asio::make_strand(context);
        asio::steady_timer timer(context, 1ms);
        co_await timer.async_wait(asio::bind_executor(strand, use_task));
        co_await asio::post(context, use_task);
        co_await asio::dispatch(context, use_task);
        co_await asio::post(use_task);
        co_await asio::post(strand, use_task);
    }());
}

TEST(use_task, may_be_the_default_token) {
    sync_wait([]() -> task<void> {
        cadre::use_task_t::as_default_on_t<asio::steady_timer> timer(*co_await own_context(), 1ms);
        co_await timer.async_wait();
        auto other = use_task.as_default_on(asio::steady_timer(*co_await own_context(), 1ms));
        co_await other.async_wait();
    }());
}

}  // namespace
