#include "connection.hpp"

#include <charconv>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace cadre::detail::amqp {

namespace {

constexpr int queue_expiry_ms = 30'000;
constexpr int reply_success = 200;

amqp_bytes_t bytes(std::string_view text) noexcept { return {text.size(), const_cast<char*>(text.data())}; }

amqp_bytes_t bytes(std::span<const std::byte> data) noexcept {
    return {data.size(), const_cast<std::byte*>(data.data())};
}

std::string_view text(amqp_bytes_t bytes) noexcept { return {static_cast<const char*>(bytes.bytes), bytes.len}; }

/// The tag of a consumer.
class tag_text {
public:
    explicit tag_text(consumer_name name) noexcept {
        text_[0] = name.kind;
        size_ = static_cast<std::size_t>(std::to_chars(text_.data() + 1, text_.data() + text_.size(), name.number).ptr -
                                         text_.data());
    }
    [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

private:
    std::array<char, 24> text_{};
    std::size_t size_ = 0;
};

consumer_name parse_tag(std::string_view tag) noexcept {
    consumer_name name;
    if (tag.empty()) return name;
    name.kind = tag[0];
    std::from_chars(tag.data() + 1, tag.data() + tag.size(), name.number);
    return name;
}

amqp_table_entry_t string_entry(const char* key, const char* value) noexcept {
    amqp_table_entry_t entry{};
    entry.key = bytes(std::string_view(key));
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = bytes(std::string_view(value));
    return entry;
}

amqp_basic_properties_t properties(const header_text& header) noexcept {
    amqp_basic_properties_t made{};
    made._flags = AMQP_BASIC_CORRELATION_ID_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG;
    made.delivery_mode = AMQP_DELIVERY_NONPERSISTENT;
    made.correlation_id = bytes(std::string_view(header.data(), header.size()));
    return made;
}

}  // namespace

connection::connection(const rabbitmq_library& library, const broker_address& address, const std::string& title)
    : library_(library), state_(library.amqp_new_connection(), deleter{&library}) {
    if (!state_) throw std::bad_alloc();
    open(address, title);
}

connection::~connection() = default;

// --- requests --------------------------------------------------------------------------------------------------------

void connection::check(int status, const char* what) {
    if (status == AMQP_STATUS_OK) return;
    if (status == AMQP_STATUS_TIMEOUT)
        throw engine_error("the broker has not replied for 30 s: rabbitmqctl status shows whether it is short of "
                           "memory or of disk space");
    throw engine_error(std::string("the connection to the broker was lost while the link ") + what + ": " +
                       library_.amqp_error_string2(status));
}

void connection::check_reply(const char* what) {
    drained_ = false;
    const amqp_rpc_reply_t reply = library_.amqp_get_rpc_reply(state_.get());
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) raise(what, reply);
}

void connection::raise(const char* what, const amqp_rpc_reply_t& reply) {
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) check(reply.library_error, what);
    if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
        const auto* const closed = static_cast<const amqp_connection_close_t*>(reply.reply.decoded);
        throw engine_error("the broker closed the connection: " + std::string(text(closed->reply_text)),
                           closed->reply_code);
    }
    if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
        const auto* const closed = static_cast<const amqp_channel_close_t*>(reply.reply.decoded);
        throw engine_error("the broker closed a channel: " + std::string(text(closed->reply_text)), closed->reply_code);
    }
    throw engine_error(std::string("the broker sent no valid reply while the link ") + what);
}

void connection::open_channel(std::uint16_t channel) {
    library_.amqp_channel_open(state_.get(), channel);
    check_reply("opened a channel");
}

void connection::reopen_channel(std::uint16_t channel) {
    amqp_channel_close_ok_t confirmation{};
    check(library_.amqp_send_method(state_.get(), channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &confirmation),
          "opened a channel");
    open_channel(channel);
}

void connection::declare_exchange(std::uint16_t channel, std::string_view exchange) {
    library_.amqp_exchange_declare(state_.get(), channel, bytes(exchange), bytes(std::string_view("direct")),
                                   /*passive=*/0, /*durable=*/1,
                                   /*auto_delete=*/1, /*internal=*/0, {});
    check_reply("declared an exchange");
}

std::uint32_t connection::declare_queue(std::uint16_t channel, std::string_view queue, queue_kind kind) {
    std::array<amqp_table_entry_t, 3> entries{string_entry("x-queue-type", "classic")};
    entries[1].key = bytes(std::string_view("x-expires"));
    entries[1].value.kind = AMQP_FIELD_KIND_I32;
    entries[1].value.value.i32 = queue_expiry_ms;
    entries[2].key = bytes(std::string_view("x-single-active-consumer"));
    entries[2].value.kind = AMQP_FIELD_KIND_BOOLEAN;
    entries[2].value.value.boolean = 1;
    const bool own = kind == queue_kind::own;
    const amqp_table_t arguments{own ? 1 : kind == queue_kind::shared ? 2 : 3, entries.data()};
    const auto* const declared =
        library_.amqp_queue_declare(state_.get(), channel, bytes(queue), /*passive=*/0, /*durable=*/own ? 0 : 1,
                                    /*exclusive=*/own ? 1 : 0, /*auto_delete=*/own ? 1 : 0, arguments);
    check_reply("declared a queue");
    return declared->consumer_count;
}

void connection::bind(std::uint16_t channel, std::string_view queue, std::string_view exchange, std::string_view key) {
    library_.amqp_queue_bind(state_.get(), channel, bytes(queue), bytes(exchange), bytes(key), {});
    check_reply("bound a queue");
}

void connection::delete_queue(std::uint16_t channel, std::string_view queue) {
    library_.amqp_queue_delete(state_.get(), channel, bytes(queue), /*if_unused=*/0, /*if_empty=*/0);
    check_reply("deleted a queue");
}

void connection::consume(std::uint16_t channel, std::string_view queue, consumer_name name, std::uint16_t prefetch) {
    if (prefetch > 0) {
        library_.amqp_basic_qos(state_.get(), channel, 0, prefetch, /*global=*/0);
        check_reply("set a prefetch count");
    }
    library_.amqp_basic_consume(state_.get(), channel, bytes(queue), bytes(tag_text(name).view()), /*no_local=*/0,
                                /*no_ack=*/prefetch == 0 ? 1 : 0, /*exclusive=*/0, {});
    check_reply("began to consume");
}

void connection::cancel(std::uint16_t channel, consumer_name name) {
    library_.amqp_basic_cancel(state_.get(), channel, bytes(tag_text(name).view()));
    check_reply("cancelled a consumer");
}

void connection::acknowledge(std::uint16_t channel, std::uint64_t tag) {
    check(library_.amqp_basic_ack(state_.get(), channel, tag, /*multiple=*/0), "acknowledged a message");
}

void connection::discard(std::uint16_t channel, std::uint64_t tag) {
    check(library_.amqp_basic_nack(state_.get(), channel, tag, /*multiple=*/0, /*requeue=*/0), "discarded a message");
}

// --- publishing ------------------------------------------------------------------------------------------------------

void connection::publish(std::uint16_t channel, std::string_view exchange, std::string_view key,
                         const message_header& header, std::span<const std::byte> body) {
    const header_text encoded = encode(header);
    const amqp_basic_properties_t made = properties(encoded);
    check(library_.amqp_basic_publish(state_.get(), channel, bytes(exchange), bytes(key), /*mandatory=*/0,
                                      /*immediate=*/0, &made, bytes(body)),
          "published a message");
}

void connection::begin_publish(std::uint16_t channel, std::string_view exchange, std::string_view key,
                               const message_header& header, std::size_t size) {
    amqp_basic_publish_t method{};
    method.exchange = bytes(exchange);
    method.routing_key = bytes(key);
    check(library_.amqp_send_method(state_.get(), channel, AMQP_BASIC_PUBLISH_METHOD, &method), "published a message");

    const header_text encoded = encode(header);
    amqp_basic_properties_t made = properties(encoded);
    amqp_frame_t frame{};
    frame.frame_type = AMQP_FRAME_HEADER;
    frame.channel = channel;
    frame.payload.properties.class_id = AMQP_BASIC_CLASS;
    frame.payload.properties.body_size = size;
    frame.payload.properties.decoded = &made;
    check(library_.amqp_send_frame(state_.get(), &frame), "published a message");
}

void connection::publish_part(std::uint16_t channel, std::span<const std::byte> part) {
    amqp_frame_t frame{};
    frame.frame_type = AMQP_FRAME_BODY;
    frame.channel = channel;
    frame.payload.body_fragment = bytes(part);
    check(library_.amqp_send_frame(state_.get(), &frame), "published a message");
}

void connection::cork(bool on) noexcept {
    const int value = on ? 1 : 0;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_CORK, &value, sizeof value);
}

// --- receiving -------------------------------------------------------------------------------------------------------

bool connection::receive(inbound& message) {
    for (;;) {
        amqp_frame_t frame{};
        timeval none{};
        const int status = library_.amqp_simple_wait_frame_noblock(state_.get(), &frame, &none);
        drained_ = status == AMQP_STATUS_TIMEOUT;
        if (drained_) return false;
        check(status, "waited for messages");
        const bool complete = take_frame(frame, message);
        library_.amqp_maybe_release_buffers(state_.get());
        if (complete) return true;
    }
}

bool connection::has_unread() const noexcept {
    if (library_.amqp_frames_enqueued(state_.get()) != 0 || library_.amqp_data_in_buffer(state_.get()) != 0)
        return true;
    return tls_ && !drained_;  // OpenSSL may have buffered data
}

connection::assembly& connection::assembly_of(std::uint16_t channel) {
    if (channel == 0 || channel > assemblies_.size())
        throw engine_error("the broker sent a message on a channel that is not open");
    return assemblies_[channel - 1u];
}

bool connection::take_frame(const amqp_frame_t& frame, inbound& message) {
    if (frame.frame_type == AMQP_FRAME_METHOD) {
        take_method(frame);
        return false;
    }
    // The library passes on those that arrive while the broker does not read what this side sends.
    if (frame.frame_type == AMQP_FRAME_HEARTBEAT) return false;
    assembly& arriving = assembly_of(frame.channel);
    if (!arriving.active) throw engine_error("the broker sent part of a message before its first frame");
    if (frame.frame_type == AMQP_FRAME_HEADER) {
        take_header(arriving, frame);
    } else if (frame.frame_type == AMQP_FRAME_BODY) {
        const amqp_bytes_t part = frame.payload.body_fragment;
        if (!arriving.header_seen || part.len > arriving.remaining)
            throw engine_error("the broker sent more of a message than it had announced");
        arriving.remaining -= part.len;
        if (arriving.message.valid) arriving.message.body.append({static_cast<const std::byte*>(part.bytes), part.len});
    }
    if (!arriving.header_seen || arriving.remaining > 0) return false;
    message = std::move(arriving.message);
    arriving = assembly();
    return true;
}

void connection::take_method(const amqp_frame_t& frame) {
    const amqp_method_t& method = frame.payload.method;
    switch (method.id) {
        case AMQP_BASIC_DELIVER_METHOD: {
            const auto* const deliver = static_cast<const amqp_basic_deliver_t*>(method.decoded);
            assembly& arriving = assembly_of(frame.channel);
            arriving = assembly();
            arriving.active = true;
            arriving.message.consumer = parse_tag(text(deliver->consumer_tag));
            arriving.message.tag = deliver->delivery_tag;
            arriving.message.redelivered = deliver->redelivered != 0;
            return;
        }
        case AMQP_CONNECTION_CLOSE_METHOD:
        case AMQP_CHANNEL_CLOSE_METHOD: {
            amqp_rpc_reply_t reply{};
            reply.reply_type = AMQP_RESPONSE_SERVER_EXCEPTION;
            reply.reply = method;
            raise("waited for messages", reply);
        }
        default: return;  // a notification without a reply
    }
}

void connection::take_header(assembly& arriving, const amqp_frame_t& frame) {
    if (arriving.header_seen) throw engine_error("the broker sent two headers of one message");
    arriving.header_seen = true;
    arriving.remaining = frame.payload.properties.body_size;
    const auto* const received = static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded);
    if (received == nullptr || (received->_flags & AMQP_BASIC_CORRELATION_ID_FLAG) == 0 ||
        arriving.remaining > max_message_body)
        return;
    const auto header = decode(text(received->correlation_id));
    if (!header) return;
    arriving.message.header = *header;
    arriving.message.valid = true;
    arriving.message.body.reserve(static_cast<std::size_t>(arriving.remaining));
}

// --- the end ---------------------------------------------------------------------------------------------------------

void connection::interrupt() noexcept { ::shutdown(descriptor_, SHUT_RDWR); }

void connection::close() noexcept { library_.amqp_connection_close(state_.get(), reply_success); }

}  // namespace cadre::detail::amqp
