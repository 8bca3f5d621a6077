/// @file
/// The address of the broker and the credentials, from a URL, the environment and files.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace cadre::detail::amqp {

struct amqp_options;

struct broker_address {
    bool tls = false;
    std::string host{};
    std::uint16_t port = 0;
    std::string vhost = "/";
    std::string user = "guest";
    std::string password{};
    bool has_password = false;
    std::string ca{};
    std::string certificate{};
    std::string key{};
    std::chrono::seconds heartbeat{0};  ///< 0: not set

    /// `host:port`
    [[nodiscard]] std::string endpoint() const;
};

/// Parses `amqp(s)://user:password@host:port/vhost?cacertfile=…`. Parts may be percent-encoded.
/// @throws config_error that names the error and never contains the password
[[nodiscard]] broker_address parse_broker_url(std::string_view url);

/// The URL of the options or of CADRE_CLUSTER_URL, completed by the other options, the password's sources and defaults.
/// @throws config_error if there is no URL, no password, or a file cannot be read
[[nodiscard]] broker_address resolve_address(const amqp_options& options);

}  // namespace cadre::detail::amqp
