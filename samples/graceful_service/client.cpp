// A client of the service, with ordinary blocking calls.

#include "client.hpp"

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "service.hpp"

namespace {

using boost::asio::ip::tcp;

/// The service as a child process, with a pipe to its standard output.
class service_process {
public:
    explicit service_process(const std::string& spec) {
        std::array<int, 2> ends{};
        if (::pipe(ends.data()) != 0) throw std::system_error(errno, std::system_category(), "pipe");
        posix_spawn_file_actions_t actions{};
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        posix_spawn_file_actions_addclose(&actions, ends[0]);
        posix_spawn_file_actions_addclose(&actions, ends[1]);
        std::string program = "graceful_service";
        std::string mode = "--serve";
        std::string executor = "--executor=" + spec;
        std::array<char*, 4> arguments{program.data(), mode.data(), executor.data(), nullptr};
        const int error = ::posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, arguments.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        ::close(ends[1]);
        output_ = ends[0];
        if (error != 0) throw std::system_error(error, std::system_category(), "posix_spawn");
    }
    service_process(const service_process&) = delete;
    service_process& operator=(const service_process&) = delete;
    ~service_process() {
        ::close(output_);
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            (void)wait();
        }
    }

    /// The number in the first line of its output.
    [[nodiscard]] std::uint16_t port() const {
        std::string line;
        for (char c = 0; ::read(output_, &c, 1) == 1 && c != '\n';)
            line += c;
        const auto digits = line.find_last_of(' ');
        if (digits == std::string::npos) throw std::runtime_error("the service has not started");
        return static_cast<std::uint16_t>(std::stoul(line.substr(digits + 1)));
    }
    void terminate() const { ::kill(pid_, SIGTERM); }
    /// The status of its end, as `waitpid` gives it.
    [[nodiscard]] int wait() {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return status;
    }

private:
    pid_t pid_ = -1;
    int output_ = -1;
};

std::string read_line(tcp::socket& socket) {
    std::string line;
    boost::asio::read_until(socket, boost::asio::dynamic_buffer(line), '\n');
    line.pop_back();
    return line;
}

void send_request(tcp::socket& socket, std::uint64_t n) {
    boost::asio::write(socket, boost::asio::buffer(std::to_string(n) + '\n'));
}

/// Returns when the service accepts no more connections.
void await_refusal(boost::asio::io_context& context, const tcp::endpoint& service) {
    boost::system::error_code refused;
    while (!refused)
        static_cast<void>(tcp::socket(context).connect(service, refused));
}

}  // namespace

int demonstrate(const std::string& spec) {
    constexpr std::size_t connections = 8;
    const auto request = [](std::size_t i) { return std::uint64_t{100'000} + i; };

    service_process service(spec);
    boost::asio::io_context context;
    const tcp::endpoint address(boost::asio::ip::address_v4::loopback(), service.port());
    std::vector<tcp::socket> clients;
    for (std::size_t i = 0; i < connections; ++i) {
        clients.emplace_back(context).connect(address);
        if (read_line(clients.back()) != "ready") return EXIT_FAILURE;  // accepted
    }

    // One half of the requests before the signal, the other half when the service has reacted to it.
    for (std::size_t i = 0; i < connections / 2; ++i)
        send_request(clients[i], request(i));
    service.terminate();
    await_refusal(context, address);
    for (std::size_t i = connections / 2; i < connections; ++i)
        send_request(clients[i], request(i));

    std::size_t answered = 0;
    for (std::size_t i = 0; i < connections; ++i)
        if (read_line(clients[i]) == std::to_string(primes_below(request(i)))) ++answered;
    const int status = service.wait();

    std::cout << "SIGTERM with " << connections << " connections accepted, " << connections / 2
              << " of them before their request\n"
              << "answered: " << answered << '\n'
              << "the service ended by signal " << (WIFSIGNALED(status) ? WTERMSIG(status) : 0) << '\n';
    return answered == connections && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM ? EXIT_SUCCESS : EXIT_FAILURE;
}
