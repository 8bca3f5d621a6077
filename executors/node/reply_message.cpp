// Messages with the results of calls.

#include "node/message.hpp"
#include "node/wire.hpp"

#include <cadre/detail/codec/exception_codec.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace cadre::detail::node {

namespace {

constexpr std::size_t max_where = 4000;

struct reply_fields {
    call_number number = 0;
    std::uint64_t partial_size = 0;
    std::uint64_t errors_size = 0;
    std::uint64_t last_item_size = 0;
    std::int64_t worker = 0;
    std::uint32_t items_done = 0;
    std::uint32_t nanoseconds = 0;
    std::uint32_t where_size = 0;
    reply_kind ended = reply_kind::value;
    std::uint8_t retry_last = 0;
    std::uint8_t has_last_item = 0;
    std::uint8_t all_begun = 0;
};

struct progress_fields {
    call_number number = 0;
    std::uint64_t errors_size = 0;
    std::uint64_t items_done = 0;
};

// The origin of an error consists of the worker and its host only: the program adds the task.
[[nodiscard]] std::exception_ptr decode_error(std::span<const std::byte> bytes, pid_t worker, std::string_view host) {
    std::string where = worker != 0 ? "worker (pid " + std::to_string(worker) + ") on " : "host ";
    decoder in(bytes);
    return decode_exception(in, where.append(host));
}

}  // namespace

byte_buffer encode_reply(call_number number, call_reply reply, pid_t placed) {
    if (reply.kind == reply_kind::failure) {
        reply.bytes.clear();
        encoder out(reply.bytes);
        encode_exception(out, reply.error);
    }
    byte_buffer last_item;
    if (reply.last_item != nullptr) {
        encoder out(last_item);
        encode_exception(out, reply.last_item);
    }
    reply_fields fields;
    fields.number = number;
    fields.partial_size = reply.partial.size();
    fields.errors_size = reply.item_errors.size();
    fields.last_item_size = last_item.size();
    fields.worker = placed;
    fields.items_done = reply.items_done;
    fields.nanoseconds = reply.nanoseconds;
    fields.where_size = static_cast<std::uint32_t>(std::min(reply.where.size(), max_where));
    fields.ended = reply.kind;
    fields.retry_last = reply.retry_last ? 1 : 0;
    fields.has_last_item = reply.last_item != nullptr ? 1 : 0;
    fields.all_begun = reply.all_begun ? 1 : 0;
    byte_buffer message = std::move(reply.bytes);
    message.reserve(message.size() + reply.partial.size() + reply.item_errors.size() + last_item.size() +
                    fields.where_size + tail_size<reply_fields>);
    message.append(reply.partial.span());
    message.append(reply.item_errors.span());
    message.append(last_item.span());
    message.append(std::as_bytes(std::span(reply.where.data(), fields.where_size)));
    append_fields(message, fields, message_kind::reply);
    return message;
}

call_number number_of_reply(std::span<const std::byte> message) { return take_fields<reply_fields>(message).number; }

received_reply decode_reply(byte_buffer message, std::string_view host) {
    std::span<const std::byte> rest = message.span();
    const auto fields = take_fields<reply_fields>(rest);
    if (fields.ended > reply_kind::unfinished) throw_malformed("a reply of unknown kind");
    if (fields.worker < 0 || fields.worker > std::numeric_limits<pid_t>::max())
        throw_malformed("an impossible process");
    received_reply received{.number = fields.number, .worker = static_cast<pid_t>(fields.worker)};
    call_reply& reply = received.reply;
    reply.kind = fields.ended;
    reply.items_done = fields.items_done;
    reply.nanoseconds = fields.nanoseconds;
    reply.retry_last = fields.retry_last != 0;
    reply.all_begun = fields.all_begun != 0;
    reply.where = text_of(take_last(rest, fields.where_size));
    const auto last_item = take_last(rest, fields.last_item_size);
    if (fields.has_last_item != 0) reply.last_item = decode_error(last_item, received.worker, host);
    reply.item_errors.append(take_last(rest, fields.errors_size));
    reply.partial.append(take_last(rest, fields.partial_size));
    if (fields.ended == reply_kind::failure) {
        reply.error = decode_error(rest, received.worker, host);
        return received;
    }
    message.resize_uninitialized(rest.size());
    reply.bytes = std::move(message);
    return received;
}

byte_buffer encode_progress(call_number number, const chunk_progress_report& report) {
    byte_buffer message;
    message.append(report.results.span());
    message.append(report.item_errors.span());
    append_fields(message, progress_fields{number, report.item_errors.size(), report.items_done},
                  message_kind::progress);
    return message;
}

received_progress decode_progress(std::span<const std::byte> message) {
    const auto fields = take_fields<progress_fields>(message);
    received_progress received{.number = fields.number};
    if (fields.items_done > std::numeric_limits<std::uint32_t>::max()) throw_malformed("too many items");
    received.report.items_done = static_cast<std::uint32_t>(fields.items_done);
    received.report.item_errors.append(take_last(message, fields.errors_size));
    received.report.results.append(message);
    return received;
}

}  // namespace cadre::detail::node
