#include "private_broker.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cadre::test {

namespace {

using namespace std::chrono_literals;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/// A socket call on a port of this host. @return whether it succeeded
template <class Call>
bool on_port(std::uint16_t port, Call call) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in address = loopback(port);
    const bool done = call(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return done;
}

constexpr int ports = 4;

/// Ports in a row that nobody uses, below those that the kernel gives to clients.
std::uint16_t free_ports() {
    std::srand(static_cast<unsigned>(::getpid()));
    for (int attempt = 0; attempt < 1000; ++attempt) {
        const auto port = static_cast<std::uint16_t>(20'000 + std::rand() % 10'000);
        bool free = true;
        for (int i = 0; i < ports; ++i)
            free = free && on_port(static_cast<std::uint16_t>(port + i), ::bind);
        if (free) return port;
    }
    throw std::runtime_error("there are no free ports in a row");
}

std::string run_and_read(const std::string& command) {
    FILE* const output = ::popen(command.c_str(), "re");
    if (output == nullptr) throw std::system_error(errno, std::generic_category(), "popen");
    std::string text;
    std::array<char, 4096> buffer{};
    while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), output))
        text.append(buffer.data(), n);
    ::pclose(output);
    return text;
}

const std::string& server_script() {
    static const std::string path = CADRE_PRIVATE_BROKER;
    return path;
}

}  // namespace

std::string private_broker::missing() {
    if (!CADRE_HAS_RABBITMQ) return "this build has no RabbitMQ client: librabbitmq-dev is not installed";
    if (::access("/usr/lib/rabbitmq/bin/rabbitmq-server", X_OK) != 0) return "rabbitmq-server is not installed";
    if (std::system("openssl version >/dev/null 2>&1") != 0) return "openssl is not installed";
    return {};
}

private_broker& private_broker::instance() {
    static private_broker broker;
    return broker;
}

private_broker::private_broker() : port_(free_ports()) {
    folder_ = std::filesystem::current_path() / ("private_broker." + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    prepare_tls();
    start();
}

void private_broker::prepare_tls() const {
    static_cast<void>(run_and_read(std::string(CADRE_MAKE_CERTIFICATES) + " '" + folder_ + "/tls' localhost"));
    std::ofstream(folder_ + "/extra.conf")
        << "listeners.ssl.default = 127.0.0.1:" << port_ + 3 << "\nssl_options.cacertfile = " << tls("ca.pem")
        << "\nssl_options.certfile = " << tls("server.pem") << "\nssl_options.keyfile = " << tls("server_key.pem")
        << "\nssl_options.verify = verify_peer"
        << "\nssl_options.fail_if_no_peer_cert = true\n";
}

private_broker::~private_broker() {
    kill();
    static_cast<void>(run_and_read(server_script() + " clean '" + folder_ + "' " + std::to_string(port_)));
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void private_broker::start() {
    const std::string port = std::to_string(port_);
    const std::string output = folder_ + "/output";
    pid_ = ::fork();
    if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::setsid();
        const int log = ::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        ::dup2(log, 1);
        ::dup2(log, 2);
        ::execl("/bin/sh", "sh", server_script().c_str(), "serve", folder_.c_str(), port.c_str(), nullptr);
        ::_exit(127);
    }
    // It needs 4 s of a core, which is shared on a busy machine.
    const auto limit = std::chrono::steady_clock::now() + 180s;
    while (!on_port(port_, ::connect)) {
        const bool ended = ::waitpid(pid_, nullptr, WNOHANG) != 0;
        if (ended || std::chrono::steady_clock::now() > limit) {
            if (ended)
                pid_ = -1;
            else
                kill();
            throw std::runtime_error("the private broker does not start, see " + output);
        }
        std::this_thread::sleep_for(50ms);
    }
}

void private_broker::kill() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

void private_broker::restart() { start(); }

std::string private_broker::url_for(const std::string& credentials) const {
    return "amqp://" + credentials + "@127.0.0.1:" + std::to_string(port_);
}

std::string private_broker::tls_url() const { return "amqps://cadre:trial@localhost:" + std::to_string(port_ + 3); }

std::string private_broker::control(const std::string& arguments) const {
    return run_and_read("HOME='" + folder_ + "/home' ERL_EPMD_PORT=" + std::to_string(port_ + 2) +
                        " RABBITMQ_CONF_ENV_FILE=/dev/null /usr/lib/rabbitmq/bin/rabbitmqctl --quiet -n cadre-" +
                        std::to_string(port_) + "@localhost " + arguments + " 2>&1");
}

}  // namespace cadre::test
