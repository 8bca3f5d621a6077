/// @file
/// TCP ping-pong on the loopback: strict request and response on each connection, one thread with an event loop on each
/// side. The server echoes each request. Every contender counts the bytes that its clients receive.
#pragma once

#include "measure.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <thread>

namespace io_socket {

inline const std::size_t requests = bench::scaled<std::size_t>(100'000, 2'000);  // in total
inline constexpr std::array<std::size_t, 4> connections{1, 2, 20, 64};
inline constexpr std::size_t request_size = 55;
using message = std::array<char, request_size>;

[[nodiscard]] inline message first_message() {
    message m{};
    for (std::size_t i = 0; i < m.size(); ++i)
        m[i] = static_cast<char>('a' + i % 26);
    return m;
}

/// The requests of one connection: equal for all, except for the last connections of some cases.
[[nodiscard]] inline std::size_t requests_of(std::size_t connection, std::size_t of) {
    return requests / of + (connection < requests % of ? 1 : 0);
}

/// Runs a contender's case: `serve(n, ready)` calls `ready(port)` when it listens, accepts n connections, and returns
/// when they are closed; `ask(port, n)` returns the number of bytes received.
template <class Serve, class Ask>
void run(Serve serve, Ask ask) {
    for (const std::size_t n : connections) {
        std::atomic<unsigned short> port{0};
        std::thread server([&] {
            serve(n, [&](unsigned short p) {
                port.store(p);
                port.notify_one();
            });
        });
        port.wait(0);
        const auto begin = bench::clock::now();
        const std::size_t bytes = ask(port.load(), n);
        const double took = bench::seconds_since(begin);
        server.join();
        if (bytes != requests * request_size) std::abort();
        bench::report(std::to_string(n) + (n == 1 ? " connection" : " connections"), took * 1e3, "ms");
    }
}

}  // namespace io_socket
