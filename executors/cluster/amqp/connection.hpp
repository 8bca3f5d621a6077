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

/// The connection is unusable. `what()` never contains a password.
class engine_error : public std::runtime_error {
public:
    explicit engine_error(const std::string& what, int reply_code = 0)
        : std::runtime_error(what), reply_code_(reply_code) {}
    /// The reply code of the broker; 0 without one.
    [[nodiscard]] int reply_code() const noexcept { return reply_code_; }

private:
    int reply_code_;
};

/// The kind and the number of a consumer; its tag consists of both.
struct consumer_name {
    char kind = 0;
    std::uint64_t number = 0;
};

/// A complete received message.
struct inbound {
    consumer_name consumer{};
    std::uint64_t tag = 0;  ///< for `acknowledge`
    bool redelivered = false;
    bool valid = false;  ///< whether the header is valid and the body is not too large; if not, the body is empty
    message_header header{};
    byte_buffer body{};
};

enum class queue_kind : std::uint8_t {
    own,  ///< exclusive to this connection, deleted with it
    shared,  ///< expires after half a minute without a consumer
    handover,  ///< shared; only the first consumer receives messages, until its connection ends
};

inline constexpr std::size_t max_message_body = (std::size_t{64} << 20) + (std::size_t{64} << 10);

/// Used by one thread at a time, except for `interrupt`. Every function throws engine_error if the connection or its
/// channel is lost. Names are at most 255 bytes long.
class connection {
public:
    /// Connects and logs in. Takes some seconds at most.
    /// @param title  shown in RabbitMQ's console
    connection(const rabbitmq_library& library, const broker_address& address, const std::string& title);
    connection(const connection&) = delete;
    ~connection();

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

    void open_channel(std::uint16_t channel);
    /// Reopens a channel that the broker has closed.
    void reopen_channel(std::uint16_t channel);
    void declare_exchange(std::uint16_t channel, std::string_view exchange);
    /// @return the number of its consumers
    std::uint32_t declare_queue(std::uint16_t channel, std::string_view queue, queue_kind kind);
    void bind(std::uint16_t channel, std::string_view queue, std::string_view exchange, std::string_view key);
    void delete_queue(std::uint16_t channel, std::string_view queue);
    /// @param prefetch  the maximum number of unacknowledged messages; 0: unlimited, and messages need no
    /// acknowledgement
    void consume(std::uint16_t channel, std::string_view queue, consumer_name name, std::uint16_t prefetch);
    /// Messages that the broker has sent before may still arrive.
    void cancel(std::uint16_t channel, consumer_name name);
    void acknowledge(std::uint16_t channel, std::uint64_t tag);
    /// Rejects a message; the broker drops it.
    void discard(std::uint16_t channel, std::uint64_t tag);

    /// Bodies up to this size are published at once, larger ones in parts.
    [[nodiscard]] std::size_t part_size() const noexcept { return part_size_; }
    void publish(std::uint16_t channel, std::string_view exchange, std::string_view key, const message_header& header,
                 std::span<const std::byte> body);
    /// Begins a message of `size` bytes, whose parts follow; nothing else may be sent on the channel in between.
    void begin_publish(std::uint16_t channel, std::string_view exchange, std::string_view key,
                       const message_header& header, std::size_t size);
    void publish_part(std::uint16_t channel, std::span<const std::byte> part);
    /// While corked, the socket sends full segments only.
    void cork(bool on) noexcept;

    /// Takes the next message without waiting and sends heartbeats. Must be called at least every half heartbeat.
    /// @return false if no complete message has arrived; the descriptor becomes readable when there is more
    [[nodiscard]] bool receive(inbound& message);
    /// Whether data was read from the socket that `receive` has not processed: a request also reads what precedes its
    /// reply.
    [[nodiscard]] bool has_unread() const noexcept;

    /// Makes all functions of the connection fail soon, also one that waits. Thread-safe.
    void interrupt() noexcept;
    /// Removes the limit of 30 s for replies: from now on only the heartbeat limits them.
    void allow_late_answers() noexcept;
    /// Closes the connection; the broker then deletes its exclusive queues.
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
    bool drained_ = false;  // the last `receive` found no more data
    std::array<assembly, 3> assemblies_{};  // of channels 1 to 3
};

}  // namespace cadre::detail::amqp
