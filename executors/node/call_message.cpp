// Messages with calls and their arguments.

#include "node/message.hpp"
#include "node/wire.hpp"

#include <cadre/detail/base/append_pieces.hpp>
#include <cadre/errors.hpp>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace cadre::detail::node {

namespace {

constexpr std::size_t max_name = 1000;

struct call_fields {
    call_number number = 0;
    epoch_number epoch = 0;
    std::uint64_t id = 0;
    function_id entry{};
    std::int64_t timeout = 0;
    std::uint64_t missing_bytes = 0;
    std::int32_t priority = 0;
    std::int32_t retries = 0;
    std::uint32_t items = 1;
    std::uint32_t claim = 1;
    std::uint32_t result_size = 0;
    std::uint16_t name_size = 0;
    std::uint8_t flags = 0;
    std::uint8_t spare = 0;

    static constexpr std::uint8_t raw = 1;
    static constexpr std::uint8_t returns_items = 2;
    static constexpr std::uint8_t fresh_worker = 4;
    static constexpr std::uint8_t windowed = 8;
};

struct part_fields {
    call_number number = 0;
    std::uint64_t offset = 0;
};

// Appends the bytes [`from`, `to`) of the pieces together.
void append_range(byte_buffer& out, const std::vector<std::span<const std::byte>>& pieces, std::uint64_t from,
                  std::uint64_t to) {
    std::uint64_t at = 0;
    for (const auto& piece : pieces) {
        const std::uint64_t first = std::max(from, at);
        const std::uint64_t last = std::min(to, at + piece.size());
        if (first < last)
            out.append(piece.subspan(static_cast<std::size_t>(first - at), static_cast<std::size_t>(last - first)));
        at += piece.size();
    }
}

}  // namespace

byte_buffer encode_call(call_number number, epoch_number epoch, const portable_call& call) {
    const std::size_t arguments = call.arguments_size();
    call_fields fields;
    fields.name_size = static_cast<std::uint16_t>(std::min(call.options.name.size(), max_name));
    const bool apart = arguments + fields.name_size + tail_size<call_fields> > max_message;
    fields.number = number;
    fields.epoch = epoch;
    fields.id = call.id;
    fields.entry = call.entry;
    fields.timeout = call.options.timeout.count();
    fields.missing_bytes = apart ? arguments : 0;
    fields.priority = call.options.priority;
    fields.retries = call.options.retries;
    fields.items = call.items;
    fields.claim = call.raw.claim;
    fields.result_size = call.raw.result_size;
    if (call.raw.enabled) fields.flags |= call_fields::raw;
    if (call.returns_items) fields.flags |= call_fields::returns_items;
    if (call.options.fresh_worker) fields.flags |= call_fields::fresh_worker;
    if (call.options.windowed) fields.flags |= call_fields::windowed;
    byte_buffer message;
    message.reserve((apart ? 0 : arguments) + fields.name_size + tail_size<call_fields>);
    if (!apart && call.borrowed.empty()) {
        message.append(call.arguments.span());
    } else if (!apart) {
        std::vector<std::span<const std::byte>> pieces;
        append_pieces(pieces, call.arguments.span(), call.borrowed);
        for (const auto& piece : pieces)
            message.append(piece);
    }
    message.append(std::as_bytes(std::span(call.options.name.data(), fields.name_size)));
    append_fields(message, fields, message_kind::call);
    return message;
}

received_call decode_call(byte_buffer message) {
    std::span<const std::byte> rest = message.span();
    const auto fields = take_fields<call_fields>(rest);
    if (fields.items == 0 || fields.claim == 0 || fields.retries < -1) throw_malformed("an impossible call");
    if ((fields.flags & call_fields::raw) != 0 && fields.result_size > max_message)
        throw_malformed("an impossible size of results");
    received_call call;
    call.number = fields.number;
    call.epoch = fields.epoch;
    call.entry = fields.entry;
    call.id = fields.id;
    call.items = fields.items;
    call.raw.enabled = (fields.flags & call_fields::raw) != 0;
    call.raw.claim = fields.claim;
    call.raw.result_size = fields.result_size;
    call.returns_items = (fields.flags & call_fields::returns_items) != 0;
    call.options.timeout = std::chrono::nanoseconds(std::max<std::int64_t>(fields.timeout, 0));
    call.options.priority = std::clamp(fields.priority, -1000, 1000);
    call.options.retries = fields.retries;
    call.options.fresh_worker = (fields.flags & call_fields::fresh_worker) != 0;
    call.options.windowed = (fields.flags & call_fields::windowed) != 0;
    call.options.name = text_of(take_last(rest, fields.name_size));
    call.missing_bytes = fields.missing_bytes;
    if (call.missing_bytes > max_body || (call.missing_bytes != 0 && !rest.empty()))
        throw_malformed("an impossible size of arguments");
    message.resize_uninitialized(rest.size());
    call.arguments = std::move(message);
    return call;
}

call_number number_of_call(std::span<const std::byte> message) { return take_fields<call_fields>(message).number; }

byte_buffer encode_arguments(call_number number, const portable_call& call, std::uint64_t offset) {
    const std::uint64_t all = call.arguments_size();
    if (offset >= all) throw_malformed("a request for arguments that the call does not have");
    std::vector<std::span<const std::byte>> pieces;
    append_pieces(pieces, call.arguments.span(), call.borrowed);
    const std::uint64_t end = std::min<std::uint64_t>(all, offset + part_size);
    byte_buffer message;
    message.reserve(static_cast<std::size_t>(end - offset) + tail_size<part_fields>);
    append_range(message, pieces, offset, end);
    append_fields(message, part_fields{number, offset}, message_kind::arguments);
    return message;
}

arguments_part decode_arguments(byte_buffer message) {
    std::span<const std::byte> rest = message.span();
    const auto fields = take_fields<part_fields>(rest);
    message.resize_uninitialized(rest.size());
    return {fields.number, fields.offset, std::move(message)};
}

}  // namespace cadre::detail::node
