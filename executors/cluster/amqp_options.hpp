/// @file
/// The options of the link of kind `cluster`.
#pragma once

#include <chrono>
#include <string>

namespace cadre::detail::amqp {

struct amqp_options {
    /// `amqp://user:password@host:port/vhost`, or `amqps://` for TLS; empty: CADRE_CLUSTER_URL. A password that is not
    /// in the URL is read from CADRE_CLUSTER_PASSWORD or a file. `?cacertfile=&certfile=&keyfile=&heartbeat=` have the
    /// meaning of RabbitMQ's clients.
    std::string url{};
    std::string name = "cluster";  ///< the group: programs and agents with other names are separate
    std::string ca{};  ///< PEM file of the authorities that sign the broker's certificate; empty: the URL's
    std::string certificate{};  ///< PEM file of the client's certificate, if the broker requires one
    std::string key{};  ///< PEM file of the certificate's key
    std::string password_file{};  ///< its first line is the password; empty: CADRE_CLUSTER_PASSWORD_FILE
    std::chrono::nanoseconds heartbeat{};  ///< raised to whole seconds; 0: the URL's, or one second
    bool agent = false;  ///< the role: an agent, or the program
};

}  // namespace cadre::detail::amqp
