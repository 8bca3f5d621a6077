// Connecting and logging in, and the error messages of both.
#include <array>
#include <chrono>
#include <string>

#include <fcntl.h>
#include <sys/time.h>

#include "connection.hpp"

namespace cadre::detail::amqp {

namespace {

constexpr int max_frame = 131'072;
constexpr int max_channels = 8;
constexpr timeval connect_timeout{5, 0};
constexpr timeval reply_timeout{30, 0};
constexpr const char* system_authorities = "/etc/ssl/certs/ca-certificates.crt";

constexpr int access_refused = 403;
constexpr int not_allowed = 530;

constexpr std::size_t frame_overhead = 8;

amqp_bytes_t bytes(std::string_view text) noexcept { return {text.size(), const_cast<char*>(text.data())}; }

std::string quoted(const std::string& text) { return "'" + text + "'"; }

}  // namespace

void connection::open(const broker_address& address, const std::string& title) {
    timeval handshake = connect_timeout;
    timeval replies = reply_timeout;
    library_.amqp_set_handshake_timeout(state_.get(), &handshake);
    library_.amqp_set_rpc_timeout(state_.get(), &replies);
    tls_ = address.tls;
    open_socket(address);
    log_in(address, title);
    part_size_ = static_cast<std::size_t>(library_.amqp_get_frame_max(state_.get())) - frame_overhead;
}

void connection::allow_late_answers() noexcept { library_.amqp_set_rpc_timeout(state_.get(), nullptr); }

void connection::open_socket(const broker_address& address) {
    amqp_socket_t* const socket =
        address.tls ? library_.amqp_ssl_socket_new(state_.get()) : library_.amqp_tcp_socket_new(state_.get());
    if (socket == nullptr) throw std::bad_alloc();
    if (address.tls) {
        const std::string& ca = address.ca.empty() ? system_authorities : address.ca;
        if (library_.amqp_ssl_socket_set_cacert(socket, ca.c_str()) != AMQP_STATUS_OK)
            throw engine_error(quoted(ca) + " contains no valid PEM certificate of an authority: correct `ca`");
        if (!address.certificate.empty() && library_.amqp_ssl_socket_set_key(socket, address.certificate.c_str(),
                                                                             address.key.c_str()) != AMQP_STATUS_OK)
            throw engine_error("the certificate " + quoted(address.certificate) + " and the key " +
                               quoted(address.key) + " are not valid PEM files that belong together");
        library_.amqp_ssl_socket_set_verify_peer(socket, 1);
        library_.amqp_ssl_socket_set_verify_hostname(socket, 1);
        library_.amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
    }
    timeval timeout = connect_timeout;
    const int status = library_.amqp_socket_open_noblock(socket, address.host.c_str(), address.port, &timeout);
    if (status != AMQP_STATUS_OK) throw engine_error(transport_error(address, status));
    descriptor_ = library_.amqp_get_sockfd(state_.get());
    ::fcntl(descriptor_, F_SETFD, FD_CLOEXEC);
}

std::string connection::transport_error(const broker_address& address, int status) const {
    const std::string at = "the broker at " + address.endpoint();
    switch (status) {
        case AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED:
            return "the broker's host " + quoted(address.host) + " is unknown: correct `url`";
        case AMQP_STATUS_SSL_PEER_VERIFY_FAILED:
            return at + " presents a certificate that is not signed by an authority in " +
                   quoted(address.ca.empty() ? system_authorities : address.ca) +
                   ": set `ca` to the file of its authority";
        case AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED:
            return at + " presents a certificate for another host: use the name in the certificate in `url`";
        case AMQP_STATUS_SSL_CONNECTION_FAILED:
        case AMQP_STATUS_SSL_ERROR:
            return at + " does not accept TLS, or no certificate of `ca` fits: check the port, usually 5671, `ca` and "
                        "the broker's log";
        case AMQP_STATUS_TIMEOUT: return at + " has not replied within 5 s: check `url` and the firewalls between";
        default:
            return "no RabbitMQ broker answers at " + address.endpoint() + " (" + library_.amqp_error_string2(status) +
                   "): start it, or correct `url`; `./run broker` starts one for trials";
    }
}

void connection::log_in(const broker_address& address, const std::string& title) {
    amqp_table_entry_t entry{};
    entry.key = bytes("connection_name");
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = bytes(title);
    const amqp_table_t shown{1, &entry};
    const amqp_rpc_reply_t reply = library_.amqp_login_with_properties(
        state_.get(), address.vhost.c_str(), max_channels, max_frame, static_cast<int>(address.heartbeat.count()),
        &shown, AMQP_SASL_METHOD_PLAIN, address.user.c_str(), address.password.c_str());
    if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
    const std::string at = "the broker at " + address.endpoint();
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) {
        const std::string reason = library_.amqp_error_string2(reply.library_error);
        if (address.tls)
            throw engine_error(at + " ended the TLS connection (" + reason +
                               "): it may require a client certificate (`certificate`, `key`) signed by its authority");
        throw engine_error(at + " does not speak AMQP (" + reason +
                           "): check the port; for TLS, write amqps:// in `url`");
    }
    try {
        raise("logged in", reply);
    } catch (const engine_error& e) {
        if (e.reply_code() == access_refused)
            throw engine_error(
                at + " rejects the user " + quoted(address.user) +
                    " or its password: correct `url` or CADRE_CLUSTER_PASSWORD, or run rabbitmqctl change_password",
                access_refused);
        if (e.reply_code() == not_allowed)
            throw engine_error(at + " has no virtual host " + quoted(address.vhost) + " for the user " +
                                   quoted(address.user) +
                                   ": correct `url`, or run rabbitmqctl add_vhost and set_permissions",
                               not_allowed);
        throw;
    }
}

}  // namespace cadre::detail::amqp
