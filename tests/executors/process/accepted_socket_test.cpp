// docs/howto/hand-over-a-socket.md: the program accepts, workers serve, and a worker that crashes ends its connection
// only.

#include "descriptors.hpp"
#include "guard.hpp"
#include "support.hpp"

#include <cadre/errors.hpp>
#include <cadre/run_blocking.hpp>
#include <cadre/scope.hpp>

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>

namespace {

using namespace cadre::process_tests;
using cadre::executor;
using cadre::process_executor;
using cadre::task;
using cadre::unique_fd;

int answer(unique_fd connection) {
    char request[64];
    const ssize_t size = ::read(connection.get(), request, sizeof request);
    if (size <= 0) return 0;
    if (request[0] == '!') ::raise(SIGSEGV);
    return static_cast<int>(::write(connection.get(), request, static_cast<std::size_t>(size)));
}

sockaddr_in loopback() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

unique_fd listen_anywhere(sockaddr_in& at) {
    unique_fd listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    at = loopback();
    EXPECT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    EXPECT_EQ(::listen(listener.get(), SOMAXCONN), 0);
    socklen_t size = sizeof at;
    EXPECT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&at), &size), 0);
    return listener;
}

// Sends `text`. @return what the server sends back before it closes the connection
std::string ask(sockaddr_in at, std::string text) {
    const unique_fd connection{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    EXPECT_EQ(::connect(connection.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    EXPECT_EQ(::write(connection.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    std::string all;
    for (int byte = 0; (byte = read_byte(connection)) >= 0;)
        all += static_cast<char>(byte);
    return all;
}

unique_fd accept_one(int listener) { return unique_fd{::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)}; }

task<> serve(executor ex, const unique_fd& listener, int connections) {
    cadre::scope s;
    for (int n = 0; n < connections; ++n) {
        auto connection = co_await cadre::run_blocking(accept_one, listener.get());
        s.spawn(
            [](executor there, unique_fd fd) -> task<> {
                try {
                    (void)co_await cadre::on(there, answer, std::move(fd));
                } catch (
                    const cadre::
                        worker_crashed&) {  // NOLINT(bugprone-empty-catch): its client sees the end of the connection
                }
            },
            ex, std::move(connection));
    }
    co_await s.join();
}

task<> ask_and_expect(sockaddr_in at, std::string text, std::string answered) {
    EXPECT_EQ(co_await cadre::run_blocking(ask, at, text), answered);
}

TEST(accepted_sockets, are_served_by_workers_that_may_crash) {
    const hang_guard guard;
    const executor ex = process_executor{{.workers = 2}};
    sockaddr_in at{};
    const unique_fd listener = listen_anywhere(at);
    const std::size_t before = open_descriptors();
    cadre::sync_wait([](executor there, const unique_fd& from, sockaddr_in address) -> task<> {
        cadre::scope s;
        s.spawn(serve(there, from, 40));
        for (int i = 0; i < 40; ++i) {
            const std::string text = (i % 10 == 3 ? "!" : "request ") + std::to_string(i);
            s.spawn(ask_and_expect(address, text, i % 10 == 3 ? "" : text));
        }
        co_await s.join();
    }(ex, listener, at));
    EXPECT_LE(open_descriptors(), before + 2);
}

}  // namespace
