// An HTTP server and its clients on Boost.Beast: many connections, limits by Beast and by `timeout`, and stop requests.
#include <chrono>
#include <string>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "servers/http_answer.hpp"
#include "servers/servers.hpp"

namespace {

using namespace server_test;
using namespace std::chrono_literals;
using cadre::sync_wait;

constexpr int requests = 3;

// Answers /N by twice N, computed on `ex`.
task<void> session(cadre::executor ex, beast::tcp_stream stream, std::chrono::milliseconds limit) {
    beast::flat_buffer buffer;
    do
        stream.expires_after(limit);
    while (co_await answer_one(ex, stream, buffer));
}

// @return the number of right answers
task<int> client(tcp::endpoint server, int number) {
    beast::tcp_stream stream(*co_await own_context());
    beast::flat_buffer buffer;
    stream.expires_after(60s);
    co_await stream.async_connect(server, use_task);
    int right = 0;
    for (int k = 0; k < requests; ++k) {
        http::request<http::empty_body> request{http::verb::get, "/" + std::to_string(number + k), 11};
        request.keep_alive(k + 1 < requests);
        stream.expires_after(60s);
        co_await http::async_write(stream, request, use_task);
        http::response<http::string_body> response;
        co_await http::async_read(stream, buffer, response, use_task);
        right += response.body() == std::to_string(2 * (number + k)) ? 1 : 0;
    }
    co_return right;
}

auto sessions(cadre::executor ex, std::chrono::milliseconds limit = 60s) {
    return [ex, limit](beast::tcp_stream stream) { return session(ex, std::move(stream), limit); };
}

class http_server : public each_kind {};

TEST_P(http_server, answers_many_connections) {
    constexpr int total = sanitized ? 300 : 2000;
    EXPECT_EQ(sync_wait(exchange(sessions(executor_), total, connections_at_once(400), client)), total * requests);
}

TEST_P(http_server, ends_silent_connections_at_their_limit) {
    sync_wait([](cadre::executor ex) -> task<void> {
        const auto silent = [](tcp::endpoint server, int) -> task<int> {
            tcp::socket socket(*co_await own_context());
            co_await socket.async_connect(server, use_task);
            char none = 0;
            const auto [error, size] =
                co_await socket.async_read_some(asio::buffer(&none, 1), asio::as_tuple(use_task));
            co_return error == asio::error::eof ? 1 : 0;
        };
        EXPECT_EQ(co_await exchange(sessions(ex, 20ms), 40, 20, silent), 40);
        const auto limited = [ex](beast::tcp_stream stream) -> task<void> {
            co_await cadre::timeout(20ms, session(ex, std::move(stream), 60s));
        };
        EXPECT_EQ(co_await exchange(limited, 40, 20, silent), 40);
    }(executor_));
}

TEST_P(http_server, stops_with_its_connections) {
    for (int round = 0; round < 20; ++round)
        sync_wait(stop_with_connections(sessions(executor_), 20, 1 + round, client));
}

INSTANTIATE_TEST_SUITE_P(kinds, http_server, ::testing::Values("serial", "thread:2", "process:2"), name_of_kind);

// Every task of the connections is at home on a pool.
TEST(http_server_on_a_pool, answers_many_connections) {
    const cadre::thread_executor pool{{.workers = 3}};
    constexpr int total = sanitized ? 200 : 1000;
    const auto one = [](cadre::executor ex, int n) -> task<int> {
        const std::size_t at_once = connections_at_once(100);
        tcp::acceptor acceptor = listen(cadre::asio_context(ex));
        const auto where = acceptor.local_endpoint();
        std::atomic<int> next{0};
        std::atomic<int> right{0};
        const auto worker = [&]() -> task<void> {
            for (int i = next++; i < n; i = next++)
                right += co_await client(where, i);
        };
        const auto all = [&]() -> task<int> {
            cadre::scope s;
            for (std::size_t i = 0; i < at_once; ++i)
                s.spawn(worker());
            co_await s.join();
            co_return right.load();
        };
        co_return get<1>(co_await cadre::when_any(serve(acceptor, sessions(ex)), all()));
    };
    EXPECT_EQ(sync_wait(cadre::on(pool, one, pool.handle(), total)), total * requests);
}

}  // namespace
