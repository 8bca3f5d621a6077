// Tasks that await sockets with use_task, on a serial loop in each thread.

#include "io_socket/parameters.hpp"

#include <cadre/asio.hpp>
#include <cadre/cadre.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using cadre::use_task;

cadre::task<void> echo(tcp::socket socket) {
    io_socket::message m;
    for (;;) {
        const auto [error, size] = co_await socket.async_read_some(asio::buffer(m), asio::as_tuple(use_task));
        if (error) co_return;
        co_await asio::async_write(socket, asio::buffer(m, size), use_task);
    }
}

template <class Ready>
cadre::task<void> serve(std::size_t connections, Ready ready) {
    tcp::acceptor acceptor(cadre::asio_context(co_await cadre::this_task::executor()),
                           tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    ready(acceptor.local_endpoint().port());
    cadre::scope clients;
    for (std::size_t i = 0; i < connections; ++i) {
        tcp::socket socket = co_await acceptor.async_accept(use_task);
        socket.set_option(tcp::no_delay(true));
        clients.spawn(echo(std::move(socket)));
    }
    co_await clients.join();
}

cadre::task<void> ask(unsigned short port, std::size_t requests, std::size_t& bytes) {
    tcp::socket socket(cadre::asio_context(co_await cadre::this_task::executor()));
    co_await socket.async_connect(tcp::endpoint(asio::ip::address_v4::loopback(), port), use_task);
    socket.set_option(tcp::no_delay(true));
    io_socket::message m = io_socket::first_message();
    for (std::size_t i = 0; i < requests; ++i) {
        co_await asio::async_write(socket, asio::buffer(m), use_task);
        bytes += co_await socket.async_read_some(asio::buffer(m), use_task);
    }
    if (m != io_socket::first_message()) std::abort();
}

cadre::task<std::size_t> ask_all(unsigned short port, std::size_t connections) {
    std::size_t bytes = 0;
    cadre::scope all;
    for (std::size_t i = 0; i < connections; ++i)
        all.spawn(ask(port, io_socket::requests_of(i, connections), bytes));
    co_await all.join();
    co_return bytes;
}

}  // namespace

int main() {
    io_socket::run([](std::size_t n, auto ready) { cadre::sync_wait(serve(n, ready)); },
                   [](unsigned short port, std::size_t n) { return cadre::sync_wait(ask_all(port, n)); });
    return 0;
}
