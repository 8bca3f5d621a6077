// Asio alone, with its own coroutines.

#include "io_socket/parameters.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace {

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;

asio::awaitable<void> echo(tcp::socket socket) {
    io_socket::message m;
    for (;;) {
        const auto [error, size] = co_await socket.async_read_some(asio::buffer(m), asio::as_tuple(use_awaitable));
        if (error) co_return;
        co_await asio::async_write(socket, asio::buffer(m, size), use_awaitable);
    }
}

template <class Ready>
asio::awaitable<void> serve(std::size_t connections, Ready ready) {
    const auto executor = co_await asio::this_coro::executor;
    tcp::acceptor acceptor(executor, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    ready(acceptor.local_endpoint().port());
    for (std::size_t i = 0; i < connections; ++i) {
        tcp::socket socket = co_await acceptor.async_accept(use_awaitable);
        socket.set_option(tcp::no_delay(true));
        asio::co_spawn(executor, echo(std::move(socket)), asio::detached);
    }
}

asio::awaitable<void> ask(unsigned short port, std::size_t requests, std::size_t& bytes) {
    tcp::socket socket(co_await asio::this_coro::executor);
    co_await socket.async_connect(tcp::endpoint(asio::ip::address_v4::loopback(), port), use_awaitable);
    socket.set_option(tcp::no_delay(true));
    io_socket::message m = io_socket::first_message();
    for (std::size_t i = 0; i < requests; ++i) {
        co_await asio::async_write(socket, asio::buffer(m), use_awaitable);
        bytes += co_await socket.async_read_some(asio::buffer(m), use_awaitable);
    }
    if (m != io_socket::first_message()) std::abort();
}

}  // namespace

int main() {
    io_socket::run(
        [](std::size_t n, auto ready) {
            asio::io_context context(1);
            asio::co_spawn(context, serve(n, ready), asio::detached);
            context.run();
        },
        [](unsigned short port, std::size_t n) {
            asio::io_context context(1);
            std::size_t bytes = 0;
            for (std::size_t i = 0; i < n; ++i)
                asio::co_spawn(context, ask(port, io_socket::requests_of(i, n), bytes), asio::detached);
            context.run();
            return bytes;
        });
    return 0;
}
