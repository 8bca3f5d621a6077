/// @file
/// A server and its clients in one program: many connections in total, some at once, calls to an executor of every
/// kind.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include <cadre/asio.hpp>
#include <cadre/cadre.hpp>
#include <cadre/detail/base/sanitizers.hpp>

namespace server_test {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using cadre::task;
using cadre::use_task;

#if defined(CADRE_ASAN) || defined(CADRE_TSAN)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

/// How many of `wanted` connections the limit of descriptors allows at once: two descriptors each, some for the rest.
inline std::size_t connections_at_once(std::size_t wanted) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 4096);
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return std::clamp<std::size_t>((limit.rlim_cur - 128) / 2, 8, wanted);
}

inline int twice(int n) { return n * 2; }

inline task<asio::io_context*> own_context() { co_return &cadre::asio_context(co_await cadre::this_task::executor()); }

/// Listens on the loopback.
inline tcp::acceptor listen(asio::io_context& context) {
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    acceptor.listen(4096);
    return acceptor;
}

/// Runs `session(stream)` for each connection. Ends by a stop request only.
template <class Session>
task<int> serve(tcp::acceptor& acceptor, Session session) {
    co_return co_await cadre::with_scope([&](cadre::scope& s) -> task<int> {
        for (;;)
            s.spawn(cadre::as_outcome(session(beast::tcp_stream(co_await acceptor.async_accept(use_task)))));
    });
}

/// Runs `client(i)` for i in [0, total), at most `at_once` at a time. @return the sum of their results
template <class Client>
task<int> clients(std::size_t total, std::size_t at_once, Client client) {
    std::size_t next = 0;
    int sum = 0;
    const auto worker = [&]() -> task<void> {
        while (next < total) {
            const int result = co_await client(static_cast<int>(next++));
            sum += result;
        }
    };
    cadre::scope s;
    for (std::size_t i = 0; i < at_once; ++i)
        s.spawn(worker());
    co_await s.join();
    co_return sum;
}

/// @return the sum of the clients' results
template <class Session, class Client>
task<int> exchange(Session session, std::size_t total, std::size_t at_once, Client client) {
    tcp::acceptor acceptor = listen(*co_await own_context());
    const auto where = acceptor.local_endpoint();
    auto ended = co_await cadre::when_any(serve(acceptor, session),
                                          clients(total, at_once, [&](int i) { return client(where, i); }));
    EXPECT_EQ(ended.index(), 1u);
    co_return get<1>(ended);
}

/// Stops a server and `count` clients, which go on for ever, `after` milliseconds.
template <class Session, class Client>
task<void> stop_with_connections(Session session, std::size_t count, int after, Client client) {
    tcp::acceptor acceptor = listen(*co_await own_context());
    const auto where = acceptor.local_endpoint();
    // The server is stopped first: a client may see its connection end before its own stop arrives.
    const auto endless = [&](int i) -> task<int> {
        std::string error;
        while (error.empty()) {
            try {
                co_await client(where, i);
            } catch (const boost::system::system_error& e) {
                error = e.what();
            }
        }
        co_await cadre::sleep_for(std::chrono::seconds(30));
        ADD_FAILURE() << "without a stop: " << error;
        co_return 0;
    };
    EXPECT_THROW(co_await cadre::timeout(std::chrono::milliseconds(after),
                                         cadre::when_all(serve(acceptor, session), clients(count, count, endless))),
                 cadre::timed_out);
}

/// The kinds of executors to which a session sends its calls; its home is the loop of the test.
class each_kind : public ::testing::TestWithParam<const char*> {
protected:
    cadre::executor executor_ = cadre::make_executor(GetParam());
};

inline std::string name_of_kind(const ::testing::TestParamInfo<const char*>& info) {
    const std::string spec = info.param;
    return spec.substr(0, spec.find(':'));
}

}  // namespace server_test
