/// @file
/// What the program and its agents say to each other.
#pragma once

#include <cadre/detail/base/byte_buffer.hpp>
#include <cadre/detail/scheduler/portable_call.hpp>
#include <cadre/executor.hpp>
#include <cadre/executors/process_options.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace cadre::detail::node {

/// All processes of a run have one build, which their hellos compare, so heads of messages travel as they lie in memory. What is read
/// is validated all the same. A message begins with its kind.
enum class message_kind : std::uint8_t {
    call = 1,  ///< program to an agent: a call or a chunk
    reply,  ///< agent to the program: its end
    returned,  ///< agent to the program: items of a raw chunk that no worker has begun
    lost,  ///< agent to the program: a call that another agent may have begun, and that this one does not run
    stop,  ///< program to an agent
    ready,  ///< agent to the program: its pool runs; the number of workers
    unusable,  ///< agent to the program: it has no pool; why
};

/// The number of a call in its program. Never used again: what arrives later for a closed number is ignored.
using call_number = std::uint64_t;

/// What the program tells an agent at first.
struct program_hello {
    std::uint64_t build = 0;
    std::string host{};
    executor_identity identity{};  ///< of the executor's handles
    process_options options{};  ///< of each agent's pool; `name` refers to `executor_name`
    std::string executor_name{};
};
[[nodiscard]] byte_buffer encode_hello(const program_hello& hello);
/// @throws codec_error
[[nodiscard]] program_hello decode_program_hello(std::span<const std::byte> bytes);

struct agent_hello {
    std::uint64_t build = 0;
    std::string host{};
    std::int32_t pid = 0;
};
[[nodiscard]] byte_buffer encode_hello(const agent_hello& hello);
/// @throws codec_error
[[nodiscard]] agent_hello decode_agent_hello(std::span<const std::byte> bytes);

/// The build-id of this program, as a number; 0: it has none.
[[nodiscard]] std::uint64_t build_of_program();
/// As text, for messages.
[[nodiscard]] std::string build_text(std::uint64_t build);
[[nodiscard]] std::string host_name();

/// @throws codec_error if `bytes` is no message
[[nodiscard]] message_kind kind_of(std::span<const std::byte> bytes);

[[nodiscard]] byte_buffer encode_call(call_number number, const portable_call& call);
struct received_call {
    call_number number = 0;
    function_id entry{};
    std::uint64_t id = 0;
    std::uint32_t items = 1;
    raw_chunk raw{};
    call_options options{};
    std::span<const std::byte> arguments{};  ///< in the message
};
/// @throws codec_error
[[nodiscard]] received_call decode_call(std::span<const std::byte> message);

/// Its number alone. @throws codec_error
[[nodiscard]] call_number number_of_call(std::span<const std::byte> message);

/// Errors travel encoded: `kind` failure has `error` as `bytes`.
[[nodiscard]] byte_buffer encode_reply(call_number number, const call_reply& reply);
struct received_reply {
    call_number number = 0;
    call_reply reply{};
};
/// @throws codec_error
[[nodiscard]] received_reply decode_reply(std::span<const std::byte> message, std::string_view host);

/// A message of a number and a small value: `returned` (the first item), `stop` (the reason), `ready` (no number; workers).
[[nodiscard]] byte_buffer encode_note(message_kind kind, call_number number, std::uint32_t value);
struct received_note {
    call_number number = 0;
    std::uint32_t value = 0;
};
/// @throws codec_error
[[nodiscard]] received_note decode_note(std::span<const std::byte> message);

/// `unusable`.
[[nodiscard]] byte_buffer encode_text(message_kind kind, std::string_view text);
/// At most 4,000 characters of it.
[[nodiscard]] std::string decode_text(std::span<const std::byte> message);

}  // namespace cadre::detail::node
