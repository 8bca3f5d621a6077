/// @file
/// One connection to a RabbitMQ broker.
#pragma once

#include <cadre/detail/base/byte_buffer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "cluster/broker_address.hpp"
#include "message_header.hpp"
#include "rabbitmq_library.hpp"

namespace cadre::detail::amqp {

/// The connection is of no use any more. `what()` never holds a password.
class engine_error : public std::runtime_error {
public:
    explicit engine_error(const std::string& what, int reply_code = 0)
        : std::runtime_error(what), reply_code_(reply_code) {}
    /// The broker's, 0 if it has not sent one.
    [[nodiscard]] int reply_code() const noexcept { return reply_code_; }

private:
    int reply_code_;
};

/// What a consumer is for, and which of its kind; its tag is the letter and the number.
struct consumer_name {
    char kind = 0;
    std::uint64_t number = 0;
};

/// A whole message that has arrived.
struct inbound {
    consumer_name consumer{};
    std::uint64_t tag = 0;  ///< for `acknowledge`
    bool redelivered = false;
    bool valid = false;  ///< its header is that of a link, and its body is not too large; else the body is empty
    message_header header{};
    byte_buffer body{};
};

enum class queue_kind : std::uint8_t {
    own,  ///< of this connection, gone with it
    shared,  ///< kept for half a minute without a user
    handover,  ///< shared; of several consumers only the first one receives, until it is gone
};

inline constexpr std::size_t max_message_body = (std::size_t{64} << 20) + (std::size_t{64} << 10);

/// Used by one thread at a time, except for `interrupt`. Every function throws engine_error if the connection or its channel is lost.
/// Names are at most 255 bytes long.
class connection {
public:
    /// Connects and logs in, within seconds.
    /// @param title  shown in RabbitMQ's console
    connection(const rabbitmq_library& library, const broker_address& address, const std::string& title);
    connection(const connection&) = delete;
    ~connection();

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

    void open_channel(std::uint16_t channel);
    /// Opens a channel again that the broker has closed.
    void reopen_channel(std::uint16_t channel);
    void declare_exchange(std::uint16_t channel, std::string_view exchange);
    /// @return how many consumers it has
    std::uint32_t declare_queue(std::uint16_t channel, std::string_view queue, queue_kind kind);
    void bind(std::uint16_t channel, std::string_view queue, std::string_view exchange, std::string_view key);
    void delete_queue(std::uint16_t channel, std::string_view queue);
    /// @param prefetch  how many messages it holds at most; 0: any number, and each is acknowledged by being sent
    void consume(std::uint16_t channel, std::string_view queue, consumer_name name, std::uint16_t prefetch);
    /// What the broker has sent before it cancelled may still be received.
    void cancel(std::uint16_t channel, consumer_name name);
    void acknowledge(std::uint16_t channel, std::uint64_t tag);
    /// The broker forgets the message.
    void discard(std::uint16_t channel, std::uint64_t tag);

    /// Bodies up to this size are published at once, larger ones in parts.
    [[nodiscard]] std::size_t part_size() const noexcept { return part_size_; }
    void publish(std::uint16_t channel, std::string_view exchange, std::string_view key, const message_header& header,
                 std::span<const std::byte> body);
    /// Begins a message of `size` bytes, whose parts follow; nothing else may be sent on the channel in between.
    void begin_publish(std::uint16_t channel, std::string_view exchange, std::string_view key,
                       const message_header& header, std::size_t size);
    void publish_part(std::uint16_t channel, std::span<const std::byte> part);
    /// While corked, what is sent leaves in full segments.
    void cork(bool on) noexcept;

    /// Takes the next message without waiting; serves heartbeats. Call it at least every half heartbeat.
    /// @return false if there is no whole message yet; the descriptor is readable when there is more
    [[nodiscard]] bool receive(inbound& message);
    /// Something may have been read from the socket that `receive` has not taken: a request takes what arrives before its answer.
    [[nodiscard]] bool has_unread() const noexcept;

    /// Every function of the connection fails soon, also one that waits. Thread-safe.
    void interrupt() noexcept;
    /// From now on an answer may take as long as the broker is alive. Until then it fails after 30 s.
    void allow_late_answers() noexcept;
    /// Takes leave of the broker, which then removes what belongs to the connection.
    void close() noexcept;

private:
    // A message whose frames are arriving on a channel.
    struct assembly {
        bool active = false;
        bool header_seen = false;
        std::uint64_t remaining = 0;
        inbound message{};
    };

    void open(const broker_address& address, const std::string& title);
    void open_socket(const broker_address& address);
    void log_in(const broker_address& address, const std::string& title);
    [[nodiscard]] std::string transport_error(const broker_address& address, int status) const;
    void check(int status, const char* what);
    void check_reply(const char* what);
    [[noreturn]] void raise(const char* what, const amqp_rpc_reply_t& reply);
    [[nodiscard]] bool take_frame(const amqp_frame_t& frame, inbound& message);
    void take_method(const amqp_frame_t& frame);
    void take_header(assembly& arriving, const amqp_frame_t& frame);
    [[nodiscard]] assembly& assembly_of(std::uint16_t channel);

    struct deleter {
        const rabbitmq_library* library = nullptr;
        void operator()(amqp_connection_state_t state) const noexcept { library->amqp_destroy_connection(state); }
    };

    const rabbitmq_library& library_;
    std::unique_ptr<amqp_connection_state_t_, deleter> state_;
    int descriptor_ = -1;
    std::size_t part_size_ = 0;
    bool tls_ = false;
    bool drained_ = false;  // the last `receive` has found nothing more
    std::array<assembly, 3> assemblies_{};  // of channels 1 to 3
};

}  // namespace cadre::detail::amqp
