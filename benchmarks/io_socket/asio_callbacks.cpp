// Asio alone, with callbacks: its fastest interface.

#include "io_socket/parameters.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <memory>
#include <vector>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct session {
    explicit session(tcp::socket s) : socket(std::move(s)) {}
    void read() {
        socket.async_read_some(asio::buffer(m), [this](error_code error, std::size_t size) {
            if (!error) write(size);
        });
    }
    void write(std::size_t size) {
        asio::async_write(socket, asio::buffer(m, size), [this](error_code error, std::size_t) {
            if (!error) read();
        });
    }
    tcp::socket socket;
    io_socket::message m{};
};

template <class Ready>
void serve(std::size_t connections, Ready ready) {
    asio::io_context context(1);
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    ready(acceptor.local_endpoint().port());
    std::vector<std::unique_ptr<session>> sessions;
    for (std::size_t i = 0; i < connections; ++i)
        acceptor.async_accept([&](error_code error, tcp::socket socket) {
            if (error) std::abort();
            socket.set_option(tcp::no_delay(true));
            sessions.push_back(std::make_unique<session>(std::move(socket)));
            sessions.back()->read();
        });
    context.run();
}

struct client {
    client(asio::io_context& context, std::size_t requests, std::size_t& total)
        : socket(context), left(requests), bytes(total) {}
    void connect(unsigned short port) {
        socket.async_connect(tcp::endpoint(asio::ip::address_v4::loopback(), port), [this](error_code error) {
            if (error) std::abort();
            socket.set_option(tcp::no_delay(true));
            write();
        });
    }
    void write() {
        asio::async_write(socket, asio::buffer(m), [this](error_code error, std::size_t) {
            if (error) std::abort();
            socket.async_read_some(asio::buffer(m), [this](error_code e, std::size_t size) {
                if (e) std::abort();
                bytes += size;
                if (--left != 0)
                    write();
                else if (m != io_socket::first_message())
                    std::abort();
                else
                    socket.close();
            });
        });
    }
    tcp::socket socket;
    std::size_t left;
    std::size_t& bytes;
    io_socket::message m = io_socket::first_message();
};

std::size_t ask(unsigned short port, std::size_t connections) {
    asio::io_context context(1);
    std::size_t bytes = 0;
    std::vector<std::unique_ptr<client>> clients;
    for (std::size_t i = 0; i < connections; ++i) {
        clients.push_back(std::make_unique<client>(context, io_socket::requests_of(i, connections), bytes));
        clients.back()->connect(port);
    }
    context.run();
    return bytes;
}

}  // namespace

int main() {
    io_socket::run([](std::size_t n, auto ready) { serve(n, ready); }, ask);
    return 0;
}
