#include "node/message.hpp"

#include "node/wire.hpp"

#include <cadre/errors.hpp>

#include <algorithm>
#include <limits>

namespace cadre::detail::node {

namespace {

struct note_fields {
    std::uint64_t number = 0;
    std::uint64_t value = 0;
};

constexpr std::size_t max_text = 4000;

}  // namespace

message_kind kind_of(std::span<const std::byte> message) {
    if (message.empty()) throw_truncated();
    const auto kind = static_cast<message_kind>(message.back());
    if (kind < message_kind::welcome || kind > message_kind::part) throw_malformed("a message of unknown kind");
    return kind;
}

byte_buffer encode_note(message_kind kind, const note& n) {
    byte_buffer message;
    append_fields(message, note_fields{n.number, n.value}, kind);
    return message;
}

note decode_note(std::span<const std::byte> message) {
    const auto fields = take_fields<note_fields>(message);
    if (!message.empty()) throw_malformed("a message is too long");
    return {fields.number, fields.value};
}

byte_buffer encode_status(const agent_status& status) {
    byte_buffer message;
    append_fields(message, status, message_kind::status);
    return message;
}

agent_status decode_status(std::span<const std::byte> message) {
    const auto status = take_fields<agent_status>(message);
    if (status.workers == 0 || status.workers > 1'000'000) throw_malformed("an impossible number of workers");
    return status;
}

byte_buffer encode_held(std::span<const held_call> calls) {
    byte_buffer message;
    message.append(std::as_bytes(calls));
    append_kind(message, message_kind::held);
    return message;
}

std::vector<held_call> decode_held(std::span<const std::byte> message) {
    message = message.first(message.size() - 1);
    if (message.size() % sizeof(held_call) != 0) throw_truncated();
    std::vector<held_call> calls(message.size() / sizeof(held_call));
    if (!calls.empty()) std::memcpy(calls.data(), message.data(), message.size());
    for (const held_call& each : calls)
        if (each.worker < 0 || each.worker > std::numeric_limits<pid_t>::max())
            throw_malformed("an impossible process");
    return calls;
}

byte_buffer encode_home(message_kind kind, const home_message& m, std::span<const std::byte> body) {
    byte_buffer message;
    message.reserve(body.size() + tail_size<home_message>);
    message.append(body);
    append_fields(message, m, kind);
    return message;
}

home_message take_home(std::span<const std::byte>& message) { return take_fields<home_message>(message); }

byte_buffer encode_text(message_kind kind, std::string_view text) {
    byte_buffer message;
    message.append(std::as_bytes(std::span(text.substr(0, max_text))));
    append_kind(message, kind);
    return message;
}

std::string decode_text(std::span<const std::byte> message) {
    std::string text = text_of(message.first(std::min(message.size() - 1, max_text)));
    for (char& c : text)
        if (static_cast<unsigned char>(c) < ' ') c = ' ';
    return text;
}

}  // namespace cadre::detail::node
