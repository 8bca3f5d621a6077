/// @file
/// The messages of a program and its agents after the handshake.
#pragma once

#include <cadre/detail/base/byte_buffer.hpp>
#include <cadre/detail/scheduler/portable_call.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace cadre::detail::node {

/// All processes of a run have one build, which the handshake checks, so fixed fields are sent in their memory layout.
/// The receiver validates them nevertheless. The body precedes the fields, and the kind is the last byte: the receiver
/// of a large body truncates the message instead of copying the body.
enum class message_kind : std::uint8_t {
    welcome = 1,  ///< program to an agent: the number of its epoch
    call,  ///< program to an agent: a call or a chunk
    arguments,  ///< program to an agent: a part of the arguments of a call that does not fit into one message
    stop,  ///< program to an agent: a stop request for a call
    status,  ///< agent to the program: how many workers it has, and how many calls it takes
    unusable,  ///< agent to the program: it has no pool; the reason
    reply,  ///< agent to the program: the end of a call
    returned,  ///< agent to the program: items of a chunk that no worker has begun
    progress,  ///< agent to the program: items of a chunk that have ended
    held,  ///< agent to the program: long calls, and the processes that run them
    lost,  ///< agent to the program: a redelivered call, which another agent may have begun; this one does not run it
    declined,  ///< agent to the program: a call that it has not begun; another agent may run it
    arguments_request,  ///< agent to the program: a request for a part of the arguments of a call
    home_request,  ///< agent to the program: an operation of a worker on a shared object
    home_stop,  ///< agent to the program: ends a request that waits
    home_ended,  ///< agent to the program: a worker has ended
    home_answer,  ///< program to an agent: the reply to a worker
    part,  ///< a part of a message that is too large for the link
};

/// The number of a call in its program. Not reused: messages for a number that is not in the table are ignored.
using call_number = std::uint64_t;
/// Drawn at random by a program, and again after it has lost the engine. Agents drop calls of another epoch.
using epoch_number = std::uint64_t;

/// The largest message of a link.
inline constexpr std::size_t max_message = std::size_t{64} << 20;
/// Larger messages and arguments are sent in parts of this size.
inline constexpr std::size_t part_size = std::size_t{8} << 20;
/// The largest encoded arguments or results, as on a process executor.
inline constexpr std::size_t max_body = (std::size_t{4} << 30) - (std::size_t{1} << 20);

/// @throws codec_error if `message` is not a message
[[nodiscard]] message_kind kind_of(std::span<const std::byte> message);

// Calls.

struct received_call {
    call_number number = 0;
    epoch_number epoch = 0;
    function_id entry{};
    std::uint64_t id = 0;
    std::uint32_t items = 1;
    raw_chunk raw{};
    bool returns_items = false;
    call_options options{};
    byte_buffer arguments{};  ///< empty if they are sent separately
    std::uint64_t missing_bytes = 0;  ///< of arguments that are sent separately
};
/// Arguments that are too large for one message are sent separately, when the agent requests them.
[[nodiscard]] byte_buffer encode_call(call_number number, epoch_number epoch, const portable_call& call);
/// @throws codec_error
[[nodiscard]] received_call decode_call(byte_buffer message);
/// Only the number; the rest of the message may be malformed. @throws codec_error
[[nodiscard]] call_number number_of_call(std::span<const std::byte> message);

struct arguments_part {
    call_number number = 0;
    std::uint64_t offset = 0;
    byte_buffer bytes{};
};
/// @throws codec_error if `offset` is beyond the arguments
[[nodiscard]] byte_buffer encode_arguments(call_number number, const portable_call& call, std::uint64_t offset);
[[nodiscard]] arguments_part decode_arguments(byte_buffer message);

// Replies.

/// @param placed the worker's process. An error is sent encoded, as the bytes of a failure.
[[nodiscard]] byte_buffer encode_reply(call_number number, call_reply reply, pid_t placed);
struct received_reply {
    call_number number = 0;
    pid_t worker = 0;
    call_reply reply{};
};
/// Only the number; the rest of the message may be malformed. @throws codec_error
[[nodiscard]] call_number number_of_reply(std::span<const std::byte> message);
/// @param host of the agent, for the origin of errors. @throws codec_error
[[nodiscard]] received_reply decode_reply(byte_buffer message, std::string_view host);

/// Results of a chunk after those that were reported before.
struct received_progress {
    call_number number = 0;
    chunk_progress_report report{};
};
[[nodiscard]] byte_buffer encode_progress(call_number number, const chunk_progress_report& report);
[[nodiscard]] received_progress decode_progress(std::span<const std::byte> message);

// Small messages.

/// A number and a value: `welcome` (epoch), `stop` (call, reason), `returned` (call, first item), `lost` and
/// `declined` (call), `arguments_request` (call, offset), `home_stop` (worker, ticket), `home_ended` (worker).
struct note {
    std::uint64_t number = 0;
    std::uint64_t value = 0;
};
[[nodiscard]] byte_buffer encode_note(message_kind kind, const note& n);
[[nodiscard]] note decode_note(std::span<const std::byte> message);

struct agent_status {
    std::uint32_t workers = 0;
    std::uint32_t credit = 0;  ///< maximum number of calls that it holds
    std::uint64_t restarts = 0;  ///< of workers
};
[[nodiscard]] byte_buffer encode_status(const agent_status& status);
[[nodiscard]] agent_status decode_status(std::span<const std::byte> message);

struct held_call {
    call_number number = 0;
    std::int64_t worker = 0;  ///< process that runs the call; 0: the call waits for a worker
};
[[nodiscard]] byte_buffer encode_held(std::span<const held_call> calls);
[[nodiscard]] std::vector<held_call> decode_held(std::span<const std::byte> message);

/// `home_request` and `home_answer`: what `framework/src/state/home_protocol.hpp` describes.
struct home_message {
    std::uint64_t worker = 0;  ///< number of the worker in its agent
    std::uint64_t ticket = 0;  ///< 0: no reply is expected
};
[[nodiscard]] byte_buffer encode_home(message_kind kind, const home_message& m, std::span<const std::byte> body);
/// Removes its fields from the end of `message`, whose body remains. @throws codec_error
[[nodiscard]] home_message take_home(std::span<const std::byte>& message);

/// For `unusable`.
[[nodiscard]] byte_buffer encode_text(message_kind kind, std::string_view text);
/// At most 4,000 characters, without control characters.
[[nodiscard]] std::string decode_text(std::span<const std::byte> message);

}  // namespace cadre::detail::node
