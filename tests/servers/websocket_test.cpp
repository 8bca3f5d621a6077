// A websocket server and its clients on Boost.Beast. The stream keeps timers that outlive its operations.
#include <chrono>
#include <string>

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

#include "servers/servers.hpp"

namespace {

using namespace server_test;
using namespace std::chrono_literals;
namespace websocket = beast::websocket;
using cadre::sync_wait;
using socket_stream = websocket::stream<beast::tcp_stream>;

constexpr int messages = 3;

// Answers N by twice N, computed on `ex`, until the peer closes.
task<void> session(cadre::executor ex, beast::tcp_stream stream, websocket::stream_base::timeout limits) {
    socket_stream ws(std::move(stream));
    ws.set_option(limits);
    co_await ws.async_accept(use_task);
    for (;;) {
        beast::flat_buffer buffer;
        const auto [error, size] = co_await ws.async_read(buffer, asio::as_tuple(use_task));
        if (error) co_return;
        const int number = std::stoi(beast::buffers_to_string(buffer.data()));
        const std::string answer = std::to_string(co_await cadre::on(ex, twice, number));
        co_await ws.async_write(asio::buffer(answer), use_task);
    }
}

// @return the number of right answers
task<int> client(tcp::endpoint server, int number) {
    socket_stream ws(*co_await own_context());
    co_await beast::get_lowest_layer(ws).async_connect(server, use_task);
    ws.set_option(websocket::stream_base::timeout::suggested(beast::role_type::client));
    co_await ws.async_handshake("localhost", "/", use_task);
    int right = 0;
    for (int k = 0; k < messages; ++k) {
        const std::string question = std::to_string(number + k);
        co_await ws.async_write(asio::buffer(question), use_task);
        beast::flat_buffer buffer;
        co_await ws.async_read(buffer, use_task);
        right += beast::buffers_to_string(buffer.data()) == std::to_string(2 * (number + k)) ? 1 : 0;
    }
    co_await ws.async_close(websocket::close_code::normal, use_task);
    co_return right;
}

auto sessions(cadre::executor ex, websocket::stream_base::timeout limits =
                                      websocket::stream_base::timeout::suggested(beast::role_type::server)) {
    return [ex, limits](beast::tcp_stream stream) { return session(ex, std::move(stream), limits); };
}

class websocket_server : public each_kind {};

TEST_P(websocket_server, answers_many_connections) {
    constexpr int total = sanitized ? 100 : 600;
    EXPECT_EQ(sync_wait(exchange(sessions(executor_), total, connections_at_once(150), client)), total * messages);
}

TEST_P(websocket_server, ends_idle_connections_at_their_limit) {
    sync_wait([](cadre::executor ex) -> task<void> {
        const auto silent = [](tcp::endpoint server, int) -> task<int> {
            socket_stream ws(*co_await own_context());
            co_await beast::get_lowest_layer(ws).async_connect(server, use_task);
            co_await ws.async_handshake("localhost", "/", use_task);
            beast::flat_buffer buffer;
            const auto [error, size] = co_await ws.async_read(buffer, asio::as_tuple(use_task));
            co_return error ? 1 : 0;
        };
        const websocket::stream_base::timeout limits{
            .handshake_timeout = 30s, .idle_timeout = 50ms, .keep_alive_pings = false};
        EXPECT_EQ(co_await exchange(sessions(ex, limits), 20, 10, silent), 20);
    }(executor_));
}

TEST_P(websocket_server, stops_with_its_connections) {
    for (int round = 0; round < 10; ++round)
        sync_wait(stop_with_connections(sessions(executor_), 10, 1 + 2 * round, client));
}

INSTANTIATE_TEST_SUITE_P(kinds, websocket_server, ::testing::Values("serial", "thread:2", "process:2"), name_of_kind);

}  // namespace
