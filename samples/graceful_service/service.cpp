#include "service.hpp"

#include <chrono>
#include <iostream>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <cadre/asio.hpp>

namespace {

using boost::asio::ip::tcp;
using cadre::use_task;
using namespace std::chrono_literals;

/// A greeting, a line with a number, a line with the answer.
cadre::task<void> answer(cadre::executor ex, tcp::socket socket) {
    const std::string greeting = "ready\n";
    co_await boost::asio::async_write(socket, boost::asio::buffer(greeting), use_task);
    std::string request;
    co_await boost::asio::async_read_until(socket, boost::asio::dynamic_buffer(request, 64), '\n', use_task);
    const std::uint64_t count = co_await cadre::on(ex, primes_below, std::stoull(request));
    const std::string reply = std::to_string(count) + '\n';
    co_await boost::asio::async_write(socket, boost::asio::buffer(reply), use_task);
}

/// A client that sends nothing must not keep the service from ending, and a broken connection must not end the service.
cadre::task<void> answer_in_time(cadre::executor ex, tcp::socket socket) {
    const auto result = co_await cadre::as_outcome(cadre::timeout(10s, answer(std::move(ex), std::move(socket))));
    if (!result.has_value()) std::cerr << "graceful_service: " << result.what() << '\n';
}

/// Ends by a stop request only, as `cancelled`. The acceptor ends with it, so that no more clients connect.
cadre::task<void> accept_connections(cadre::executor ex, std::uint16_t port, cadre::scope& connections) {
    auto& context = cadre::asio_context(co_await cadre::this_task::executor());
    tcp::acceptor acceptor(context, {boost::asio::ip::address_v4::loopback(), port});
    std::cout << "listening on port " << acceptor.local_endpoint().port() << std::endl;
    for (;;) {
        tcp::socket socket = co_await acceptor.async_accept(use_task);
        // The shield keeps the stop request of SIGTERM from accepted connections.
        connections.spawn(cadre::shield(answer_in_time(ex, std::move(socket))));
    }
}

}  // namespace

std::uint64_t primes_below(std::uint64_t n) {
    std::uint64_t count = 0;
    for (std::uint64_t candidate = 2; candidate < n; ++candidate) {
        bool prime = true;
        for (std::uint64_t d = 2; prime && d * d <= candidate; ++d)
            prime = candidate % d != 0;
        if (prime) ++count;
    }
    return count;
}

cadre::task<void> serve(cadre::executor ex, std::uint16_t port) {
    // Joined in any case: the cancelled accept leaves it when the last connection has been answered.
    const auto body = [&](cadre::scope& connections) { return accept_connections(ex, port, connections); };
    co_await cadre::with_scope(body);
}
