#include "node/message.hpp"

#include <cadre/detail/base/loaded_module.hpp>
#include <cadre/detail/call/call_errors.hpp>
#include <cadre/detail/codec/codec.hpp>
#include <cadre/detail/codec/exception_codec.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include <unistd.h>

namespace cadre::detail::node {

namespace {

constexpr std::size_t max_text = 4000;
constexpr std::size_t max_name = 1000;

struct call_head {
    message_kind kind = message_kind::call;
    std::uint8_t raw = 0;
    std::uint16_t name_size = 0;
    std::uint32_t items = 1;
    call_number number = 0;
    std::uint64_t id = 0;
    function_id entry{};
    std::int64_t timeout = 0;
    std::int32_t priority = 0;
    std::int32_t retries = 0;
    std::uint32_t claim = 1;
    std::uint32_t result_size = 0;
};

struct reply_head {
    message_kind kind = message_kind::reply;
    reply_kind ended = reply_kind::value;
    std::uint8_t retry_last = 0;
    std::uint8_t has_last_item = 0;
    std::uint32_t items_done = 0;
    call_number number = 0;
    std::uint32_t nanoseconds = 0;
    std::uint32_t where_size = 0;
    std::uint64_t partial_size = 0;
    std::uint64_t errors_size = 0;
    std::uint64_t last_item_size = 0;
};

struct note {
    message_kind kind{};
    std::uint8_t spare[3]{};
    std::uint32_t value = 0;
    call_number number = 0;
};

template <class Head>
void append_head(byte_buffer& to, const Head& head) {
    static_assert(std::is_trivially_copyable_v<Head>);
    to.append(std::as_bytes(std::span(&head, 1)));
}

template <class Head>
[[nodiscard]] Head take_head(std::span<const std::byte>& from) {
    if (from.size() < sizeof(Head)) throw_truncated();
    Head head;
    std::memcpy(&head, from.data(), sizeof head);
    from = from.subspan(sizeof head);
    return head;
}

[[nodiscard]] std::span<const std::byte> take(std::span<const std::byte>& from, std::uint64_t size) {
    if (size > from.size()) throw_truncated();
    const auto taken = from.first(static_cast<std::size_t>(size));
    from = from.subspan(static_cast<std::size_t>(size));
    return taken;
}

[[nodiscard]] std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void encode_action(encoder& out, const worker_action& action) {
    out.write_byte(action ? 1 : 0);
    if (!action) return;
    encode_function(out, identify_function(reinterpret_cast<const void*>(action.stored()->run)));
    const std::span<const std::byte> bytes = action.stored()->bytes.span();
    out.write_size(bytes.size());
    out.write(bytes.data(), bytes.size());
}

[[nodiscard]] worker_action decode_action(decoder& in) {
    if (in.read_byte() == 0) return {};
    const auto address = reinterpret_cast<std::uintptr_t>(resolve_function(decode_function(in)));
    const std::size_t size = in.read_count(1);
    byte_buffer bytes;
    bytes.append({in.read(size), size});
    return worker_action(store_action(reinterpret_cast<action_runner>(address), std::move(bytes), {}));
}

}  // namespace

std::uint64_t build_of_program() {
    static const std::uint64_t build = [] {
        std::uint64_t hash = 14695981039346656037u;  // FNV-1a
        visit_loaded_modules([&](loaded_module& program) {
            for (const std::byte b : program.build_id)
                hash = (hash ^ std::to_integer<std::uint64_t>(b)) * 1099511628211u;
            if (program.build_id.empty()) hash = 0;
            return true;
        });
        return hash;
    }();
    return build;
}

std::string build_text(std::uint64_t build) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text(16, '0');
    for (auto at = text.rbegin(); at != text.rend(); ++at, build >>= 4)
        *at = digits[build & 15];
    return text;
}

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return "an unknown host";
    return name.data();
}

byte_buffer encode_hello(const program_hello& hello) {
    static_assert(std::is_trivially_copyable_v<process_options>);
    byte_buffer bytes;
    encoder out(bytes);
    encode(out, hello.build);
    encode(out, hello.host);
    encode(out, hello.identity.high);
    encode(out, hello.identity.low);
    encode(out, hello.executor_name);
    encode_action(out, hello.options.initializer);
    encode_action(out, hello.options.finalizer);
    process_options plain = hello.options;
    plain.initializer = {};
    plain.finalizer = {};
    plain.name = {};
    out.write(&plain, sizeof plain);
    return bytes;
}

// The build is first, so that another one is recognised whatever its other fields are.
program_hello decode_program_hello(std::span<const std::byte> bytes) {
    program_hello hello;
    decoder in(bytes);
    hello.build = decode<std::uint64_t>(in);
    hello.host = decode<std::string>(in);
    if (hello.build != build_of_program()) return hello;
    hello.identity.high = decode<std::uint64_t>(in);
    hello.identity.low = decode<std::uint64_t>(in);
    hello.executor_name = decode<std::string>(in);
    const worker_action initializer = decode_action(in);
    const worker_action finalizer = decode_action(in);
    std::memcpy(static_cast<void*>(&hello.options), in.read(sizeof hello.options), sizeof hello.options);
    hello.options.initializer = initializer;
    hello.options.finalizer = finalizer;
    return hello;
}

byte_buffer encode_hello(const agent_hello& hello) {
    byte_buffer bytes;
    encoder out(bytes);
    encode(out, hello.build);
    encode(out, hello.host);
    encode(out, hello.pid);
    return bytes;
}

agent_hello decode_agent_hello(std::span<const std::byte> bytes) {
    agent_hello hello;
    decoder in(bytes);
    hello.build = decode<std::uint64_t>(in);
    hello.host = decode<std::string>(in);
    hello.pid = decode<std::int32_t>(in);
    return hello;
}

message_kind kind_of(std::span<const std::byte> bytes) {
    if (bytes.empty()) throw_truncated();
    const auto kind = static_cast<message_kind>(bytes.front());
    if (kind < message_kind::call || kind > message_kind::unusable) throw_malformed("a message of unknown kind");
    return kind;
}

byte_buffer encode_call(call_number number, const portable_call& call) {
    call_head head;
    head.raw = call.raw.enabled ? 1 : 0;
    head.name_size = static_cast<std::uint16_t>(std::min(call.options.name.size(), max_name));
    head.items = call.items;
    head.number = number;
    head.id = call.id;
    head.entry = call.entry;
    head.timeout = call.options.timeout.count();
    head.priority = call.options.priority;
    head.retries = call.options.retries;
    head.claim = call.raw.claim;
    head.result_size = call.raw.result_size;
    byte_buffer message;
    message.reserve(sizeof head + head.name_size + call.arguments_size());
    append_head(message, head);
    message.append(std::as_bytes(std::span(call.options.name.data(), head.name_size)));
    std::vector<std::span<const std::byte>> pieces;
    append_pieces(pieces, call.arguments.span(), call.borrowed);
    for (const auto& piece : pieces)
        message.append(piece);
    return message;
}

received_call decode_call(std::span<const std::byte> message) {
    const auto head = take_head<call_head>(message);
    received_call call;
    if (head.items == 0 || head.claim == 0 || head.retries < -1) throw_malformed("a call without items");
    call.number = head.number;
    call.entry = head.entry;
    call.id = head.id;
    call.items = head.items;
    call.raw.enabled = head.raw != 0;
    call.raw.claim = head.claim;
    call.raw.result_size = head.result_size;
    call.options.timeout = std::chrono::nanoseconds(std::max<std::int64_t>(head.timeout, 0));
    call.options.priority = std::clamp(head.priority, -1000, 1000);
    call.options.retries = head.retries;
    call.options.name = text_of(take(message, head.name_size));
    call.arguments = message;
    return call;
}

call_number number_of_call(std::span<const std::byte> message) { return take_head<call_head>(message).number; }

byte_buffer encode_reply(call_number number, const call_reply& reply) {
    byte_buffer error;
    byte_buffer last_item;
    if (reply.kind == reply_kind::failure) {
        encoder out(error);
        encode_exception(out, reply.error);
    }
    if (reply.last_item != nullptr) {
        encoder out(last_item);
        encode_exception(out, reply.last_item);
    }
    const std::span<const std::byte> bytes = reply.kind == reply_kind::failure ? error.span() : reply.bytes.span();
    reply_head head;
    head.ended = reply.kind;
    head.retry_last = reply.retry_last ? 1 : 0;
    head.has_last_item = reply.last_item != nullptr ? 1 : 0;
    head.items_done = reply.items_done;
    head.number = number;
    head.nanoseconds = reply.nanoseconds;
    head.where_size = static_cast<std::uint32_t>(std::min(reply.where.size(), max_text));
    head.partial_size = reply.partial.size();
    head.errors_size = reply.item_errors.size();
    head.last_item_size = last_item.size();
    byte_buffer message;
    message.reserve(sizeof head + head.where_size + bytes.size() + reply.partial.size() + reply.item_errors.size());
    append_head(message, head);
    message.append(std::as_bytes(std::span(reply.where.data(), head.where_size)));
    message.append(reply.partial.span());
    message.append(reply.item_errors.span());
    message.append(last_item.span());
    message.append(bytes);
    return message;
}

received_reply decode_reply(std::span<const std::byte> message, std::string_view host) {
    const auto head = take_head<reply_head>(message);
    if (head.ended > reply_kind::unfinished) throw_malformed("a reply of unknown kind");
    received_reply received{.number = head.number};
    call_reply& reply = received.reply;
    reply.kind = head.ended;
    reply.items_done = head.items_done;
    reply.nanoseconds = head.nanoseconds;
    reply.retry_last = head.retry_last != 0;
    reply.where = text_of(take(message, head.where_size));
    reply.where += (reply.where.empty() ? "host " : ", host ") + std::string(host);
    reply.partial.append(take(message, head.partial_size));
    reply.item_errors.append(take(message, head.errors_size));
    const auto last_item = take(message, head.last_item_size);
    if (head.has_last_item != 0) {
        decoder in(last_item);
        reply.last_item = decode_exception(in, reply.where);
    }
    if (head.ended == reply_kind::failure) {
        decoder in(message);
        reply.error = decode_exception(in, reply.where);
    } else {
        reply.bytes.append(message);
    }
    return received;
}

byte_buffer encode_note(message_kind kind, call_number number, std::uint32_t value) {
    byte_buffer message;
    append_head(message, note{.kind = kind, .value = value, .number = number});
    return message;
}

received_note decode_note(std::span<const std::byte> message) {
    const auto n = take_head<note>(message);
    return {n.number, n.value};
}

byte_buffer encode_text(message_kind kind, std::string_view text) {
    byte_buffer message;
    append_head(message, kind);
    message.append(std::as_bytes(std::span(text.substr(0, max_text))));
    return message;
}

std::string decode_text(std::span<const std::byte> message) {
    return text_of(message.subspan(1, std::min(message.size() - 1, max_text)));
}

}  // namespace cadre::detail::node
