/// @file
/// A RabbitMQ that belongs to the test program.
#pragma once

#include <cstdint>
#include <string>

#include <sys/types.h>

namespace cadre::test {

/// One broker for the whole program: the first use starts it, which takes about five seconds, and the program's end
/// ends it. Tests use names of their own.
class private_broker {
public:
    /// Empty, or why there is none: a reason to skip the test.
    [[nodiscard]] static std::string missing();
    /// @throws std::runtime_error if it does not start
    static private_broker& instance();

    private_broker(const private_broker&) = delete;

    [[nodiscard]] std::string url() const { return url_for("cadre:trial"); }
    /// @param credentials  `user:password`
    [[nodiscard]] std::string url_for(const std::string& credentials) const;
    /// Of the port that accepts TLS from clients with a certificate of the authority in `tls()`; the broker's is for
    /// localhost.
    [[nodiscard]] std::string tls_url() const;
    /// A file that make_certificates.sh has made.
    [[nodiscard]] std::string tls(const std::string& file) const { return folder_ + "/tls/" + file; }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] const std::string& folder() const noexcept { return folder_; }

    /// Ends it as a crash would.
    void kill();
    /// Starts it again with the same port and data, and waits until it is ready.
    void restart();
    /// Runs rabbitmqctl. @return what it has printed
    [[nodiscard]] std::string control(const std::string& arguments) const;

private:
    private_broker();
    ~private_broker();
    void prepare_tls() const;
    void start();

    std::string folder_;
    std::uint16_t port_ = 0;
    pid_t pid_ = -1;
};

}  // namespace cadre::test
