// A TLS server and its clients: HTTP on the streams of Boost.Beast, bytes on those of Boost.Asio.
#include <array>
#include <chrono>
#include <string>

#include <boost/asio/buffered_read_stream.hpp>
#include <boost/asio/buffered_stream.hpp>
#include <boost/asio/buffered_write_stream.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

#include "servers/certificate.hpp"
#include "servers/http_answer.hpp"
#include "servers/servers.hpp"

namespace {

using namespace server_test;
using namespace std::chrono_literals;
namespace ssl = asio::ssl;
using cadre::sync_wait;
using tls_stream = beast::ssl_stream<beast::tcp_stream>;

constexpr int requests = 2;

task<void> session(cadre::executor ex, ssl::context& context, beast::tcp_stream plain) {
    tls_stream stream(std::move(plain), context);
    beast::get_lowest_layer(stream).expires_after(60s);
    co_await stream.async_handshake(ssl::stream_base::server, use_task);
    beast::flat_buffer buffer;
    do
        beast::get_lowest_layer(stream).expires_after(60s);
    while (co_await answer_one(ex, stream, buffer));
    boost::system::error_code error;
    co_await stream.async_shutdown(asio::redirect_error(use_task, error));
}

// @return the number of right answers
task<int> client(ssl::context& context, tcp::endpoint server, int number) {
    tls_stream stream(*co_await own_context(), context);
    stream.set_verify_callback(ssl::host_name_verification("localhost"));
    beast::get_lowest_layer(stream).expires_after(60s);
    co_await beast::get_lowest_layer(stream).async_connect(server, use_task);
    co_await stream.async_handshake(ssl::stream_base::client, use_task);
    beast::flat_buffer buffer;
    int right = 0;
    for (int k = 0; k < requests; ++k) {
        http::request<http::empty_body> request{http::verb::get, "/" + std::to_string(number + k), 11};
        request.keep_alive(k + 1 < requests);
        co_await http::async_write(stream, request, use_task);
        http::response<http::string_body> response;
        co_await http::async_read(stream, buffer, response, use_task);
        right += response.body() == std::to_string(2 * (number + k)) ? 1 : 0;
    }
    co_await stream.async_shutdown(use_task);
    co_return right;
}

class tls_server : public each_kind {
protected:
    auto sessions() {
        return [this](beast::tcp_stream stream) { return session(executor_, contexts_.server, std::move(stream)); };
    }
    auto clients_of() {
        return [this](tcp::endpoint server, int i) { return client(contexts_.client, server, i); };
    }
    tls_contexts contexts_;
};

TEST_P(tls_server, answers_many_connections) {
    constexpr int total = sanitized ? 50 : 300;
    EXPECT_EQ(sync_wait(exchange(sessions(), total, connections_at_once(100), clients_of())), total * requests);
}

TEST_P(tls_server, ends_handshakes_at_their_limit) {
    sync_wait([](auto limited) -> task<void> {
        const auto silent = [](tcp::endpoint server, int) -> task<int> {
            tcp::socket socket(*co_await own_context());
            co_await socket.async_connect(server, use_task);
            char none = 0;
            const auto [error, size] =
                co_await socket.async_read_some(asio::buffer(&none, 1), asio::as_tuple(use_task));
            co_return error ? 1 : 0;
        };
        EXPECT_EQ(co_await exchange(limited, 40, 20, silent), 40);
    }([this](beast::tcp_stream stream) -> task<void> {
                  co_await cadre::timeout(20ms, session(executor_, contexts_.server, std::move(stream)));
              }));
}

TEST_P(tls_server, stops_with_its_connections) {
    for (int round = 0; round < 10; ++round)
        sync_wait(stop_with_connections(sessions(), 10, 1 + 2 * round, clients_of()));
}

INSTANTIATE_TEST_SUITE_P(kinds, tls_server, ::testing::Values("serial", "thread:2", "process:2"), name_of_kind);

// The streams of Asio, each around the next: buffers, TLS, a socket.
TEST(tls_stream, buffered_streams_over_tls_over_a_socket) {
    tls_contexts contexts;
    sync_wait([](tls_contexts& tls) -> task<void> {
        asio::io_context& context = *co_await own_context();
        tcp::acceptor acceptor = listen(context);
        const auto answer = [](tcp::acceptor& from, ssl::context& c) -> task<void> {
            ssl::stream<tcp::socket> stream(co_await from.async_accept(use_task), c);
            co_await stream.async_handshake(ssl::stream_base::server, use_task);
            asio::buffered_read_stream<ssl::stream<tcp::socket>&> buffered(stream);
            const std::size_t filled = co_await buffered.async_fill(use_task);
            EXPECT_EQ(filled, 6u);
            std::array<char, 3> part{};
            for (int i = 0; i < 2; ++i)
                EXPECT_EQ(co_await buffered.async_read_some(asio::buffer(part), use_task), 3u);
            co_await asio::async_write(buffered, asio::buffer("answer", 6), use_task);
            co_await stream.async_shutdown(use_task);
        };
        const auto ask = [](tcp::socket socket, tcp::endpoint where, ssl::context& c) -> task<std::string> {
            co_await socket.async_connect(where, use_task);
            ssl::stream<tcp::socket> stream(std::move(socket), c);
            co_await stream.async_handshake(ssl::stream_base::client, use_task);
            asio::buffered_write_stream<ssl::stream<tcp::socket>&> writing(stream);
            co_await asio::async_write(writing, asio::buffer("a", 1), use_task);
            co_await asio::async_write(writing, asio::buffer("sking", 5), use_task);
            EXPECT_EQ(co_await writing.async_flush(use_task), 6u);
            asio::buffered_stream<ssl::stream<tcp::socket>&> both(stream);
            std::array<char, 6> text{};
            const std::size_t size = co_await both.async_read_some(asio::buffer(text), use_task);
            boost::system::error_code error;
            co_await stream.async_shutdown(asio::redirect_error(use_task, error));
            co_return std::string(text.data(), size);
        };
        const auto [text, done] = co_await cadre::when_all(
            ask(tcp::socket(context), acceptor.local_endpoint(), tls.client), answer(acceptor, tls.server));
        EXPECT_EQ(text, "answer");
    }(contexts));
}

}  // namespace
