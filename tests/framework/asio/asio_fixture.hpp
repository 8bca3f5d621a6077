/// @file
/// Sockets of the loopback and a thread with an io_context of its own, for the tests of Asio.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <cadre/asio.hpp>
#include <cadre/channel.hpp>
#include <cadre/job.hpp>
#include <cadre/on.hpp>
#include <cadre/scope.hpp>
#include <cadre/task.hpp>
#include <cadre/this_task.hpp>

namespace asio_test {

namespace asio = boost::asio;
using asio::ip::tcp;
using cadre::task;
using cadre::use_task;

/// Of all threads of this process.
inline std::chrono::microseconds cpu_time() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto of = [](const timeval& t) {
        return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
    };
    return of(used.ru_utime) + of(used.ru_stime);
}

/// Waits for a timer of `context`.
inline task<void> wait_in(asio::io_context& context, std::chrono::microseconds d) {
    asio::steady_timer timer(context, d);
    co_await timer.async_wait(use_task);
}

/// Shuts `ex` down while a task of it waits for a timer of its context. @return whether the wait ended as cancelled
inline task<bool> shutdown_ends_a_wait(cadre::executor ex) {
    cadre::channel<int> begun(ex, 1);
    const auto wait = [](cadre::executor e, cadre::channel<int> flag) -> task<bool> {
        co_await flag.send(1);
        try {
            co_await wait_in(cadre::asio_context(e), std::chrono::hours(1));
        } catch (const cadre::cancelled&) {
            co_return true;
        }
        co_return false;
    };
    auto job = cadre::spawn(cadre::local_executor(ex), wait, ex, begun);
    EXPECT_TRUE(co_await begun.receive());  // work that is stopped before it begins never runs
    co_await ex.shutdown(std::chrono::milliseconds(1));
    co_return co_await job;
}

/// Two sockets that are connected to each other.
inline std::pair<tcp::socket, tcp::socket> connected_pair(asio::io_context& context) {
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    tcp::socket a(context);
    a.connect(acceptor.local_endpoint());
    tcp::socket b = acceptor.accept();
    return {std::move(a), std::move(b)};
}

inline task<void> echo(tcp::socket socket) {
    std::array<char, 64> buffer{};
    for (;;) {
        const auto [error, size] = co_await socket.async_read_some(asio::buffer(buffer), asio::as_tuple(use_task));
        if (error) co_return;
        co_await asio::async_write(socket, asio::buffer(buffer, size), use_task);
    }
}

inline task<void> serve(tcp::acceptor& acceptor, std::size_t connections) {
    cadre::scope clients;
    for (std::size_t i = 0; i < connections; ++i)
        clients.spawn(echo(co_await acceptor.async_accept(use_task)));
    co_await clients.join();
}

/// @return the bytes that were echoed
inline task<std::size_t> ask(asio::io_context& context, tcp::endpoint where, std::size_t requests) {
    tcp::socket socket(context);
    co_await socket.async_connect(where, use_task);
    std::array<char, 55> buffer{};
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < requests; ++i) {
        buffer.fill(static_cast<char>(i));
        co_await asio::async_write(socket, asio::buffer(buffer), use_task);
        bytes += co_await asio::async_read(socket, asio::buffer(buffer), use_task);
        if (buffer.back() != static_cast<char>(i)) co_return 0;
    }
    co_return bytes;
}

inline task<void> ask_into(asio::io_context& context, tcp::endpoint where, std::size_t requests,
                           std::atomic<std::size_t>& total) {
    total += co_await ask(context, where, requests);
}

/// Clients and their server on `ex`. @return the bytes that were echoed
inline task<std::size_t> ping_pong(cadre::executor ex, std::size_t connections, std::size_t requests) {
    asio::io_context& context = cadre::asio_context(ex);
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    std::atomic<std::size_t> total{0};
    cadre::scope all;
    all.spawn(serve(acceptor, connections));
    for (std::size_t i = 0; i < connections; ++i)
        all.spawn(ask_into(context, acceptor.local_endpoint(), requests, total));
    co_await all.join();
    co_return total.load();
}

/// The executor that is associated with the handlers of use_task.
using handler_executor = cadre::detail::asio_strand_executor;

/// Completes with a copy of its handler's executor.
inline auto executor_of_handler() {
    return asio::async_initiate<const cadre::use_task_t&, void(handler_executor)>(
        [](auto handler) {
            auto ex = handler.get_executor();
            std::move(handler)(ex);
        },
        use_task);
}

/// As streams of Boost.Beast do: a timer that outlives the operation holds a copy of the handler's executor.
template <class Token>
auto async_guarded(asio::steady_timer& limit, asio::steady_timer& work, Token&& token) {
    return asio::async_initiate<Token, void(boost::system::error_code)>(
        [&](auto handler) {
            auto ex = asio::get_associated_executor(handler, limit.get_executor());
            limit.async_wait(asio::bind_executor(ex, [](boost::system::error_code) {}));
            work.async_wait([handler = std::move(handler), ex, &limit](boost::system::error_code e) mutable {
                limit.cancel();
                asio::dispatch(ex, [handler = std::move(handler), e]() mutable { std::move(handler)(e); });
            });
        },
        token);
}

/// An io_context without an executor of this library, run by a thread.
class foreign_context {
public:
    foreign_context() : guard_(context.get_executor()), thread_([this] { context.run(); }) {}
    foreign_context(const foreign_context&) = delete;
    foreign_context& operator=(const foreign_context&) = delete;
    ~foreign_context() {
        guard_.reset();
        thread_.join();
    }
    asio::io_context context{};

private:
    asio::executor_work_guard<asio::io_context::executor_type> guard_;
    std::thread thread_;
};

}  // namespace asio_test
