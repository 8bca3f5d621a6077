/// @file
/// The functions of rabbitmq-c. The library is loaded when the first link is made, so that a program without a cluster
/// loads neither it nor OpenSSL.
#pragma once

#if __has_include(<rabbitmq-c/amqp.h>)
#    include <rabbitmq-c/amqp.h>
#    include <rabbitmq-c/ssl_socket.h>
#    include <rabbitmq-c/tcp_socket.h>
#else  // before version 0.12
#    include <amqp.h>
#    include <amqp_ssl_socket.h>
#    include <amqp_tcp_socket.h>
#endif

namespace cadre::detail::amqp {

// clang-format off
#define CADRE_RABBITMQ_FUNCTIONS(f) \
    f(amqp_new_connection) f(amqp_destroy_connection) f(amqp_tcp_socket_new) f(amqp_socket_open_noblock) f(amqp_get_sockfd) \
    f(amqp_ssl_socket_new) f(amqp_ssl_socket_set_cacert) f(amqp_ssl_socket_set_key) f(amqp_ssl_socket_set_verify_peer) \
    f(amqp_ssl_socket_set_verify_hostname) f(amqp_ssl_socket_set_ssl_versions) \
    f(amqp_set_handshake_timeout) f(amqp_set_rpc_timeout) f(amqp_login_with_properties) f(amqp_get_frame_max) \
    f(amqp_connection_close) f(amqp_get_rpc_reply) f(amqp_error_string2) f(amqp_channel_open) \
    f(amqp_exchange_declare) f(amqp_queue_declare) f(amqp_queue_bind) f(amqp_queue_delete) \
    f(amqp_basic_qos) f(amqp_basic_consume) f(amqp_basic_cancel) f(amqp_basic_ack) f(amqp_basic_nack) f(amqp_basic_publish) \
    f(amqp_send_method) f(amqp_send_frame) f(amqp_simple_wait_frame_noblock) f(amqp_frames_enqueued) f(amqp_data_in_buffer) f(amqp_maybe_release_buffers)
// clang-format on

struct rabbitmq_library {
#define CADRE_RABBITMQ_MEMBER(function) decltype(&::function) function = nullptr;
    CADRE_RABBITMQ_FUNCTIONS(CADRE_RABBITMQ_MEMBER)
#undef CADRE_RABBITMQ_MEMBER
};

/// Loads the library once. Thread-safe.
/// @throws config_error that names the package to install
[[nodiscard]] const rabbitmq_library& load_rabbitmq();

}  // namespace cadre::detail::amqp
