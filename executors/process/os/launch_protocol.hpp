/// @file
/// The messages between parent, fork server and starting workers. All three run the same program file, so that
/// structures are sent as bytes.
#pragma once

#include "process/os/surroundings.hpp"
#include "process/os/worker_spec.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include <sys/types.h>

namespace cadre::detail::process_os {

enum class message_kind : std::uint32_t {
    adopt,  ///< to the server, first of all: carries a pidfd of the program
    hello,  ///< from the server, its answer: hello_message, with a pidfd of the server
    connect,  ///< to the server: carries the descriptor of a further connection
    kill,  ///< to the server: kill_message
    launch,  ///< to the server or a spawned worker: an encoded worker_request
    launched,  ///< from the server: launched_message, with the pidfd
    ended,  ///< from the server: ended_message
};

struct adopt_message {
    message_kind kind = message_kind::adopt;
};

struct hello_message {
    message_kind kind = message_kind::hello;
    pid_t pid = 0;
};

struct kill_message {
    message_kind kind = message_kind::kill;
    pid_t pid = 0;  ///< a worker of the same connection
};

struct connect_message {
    message_kind kind = message_kind::connect;
};

struct launched_message {
    message_kind kind = message_kind::launched;
    std::int32_t error = 0;  ///< errno if no worker was started
    pid_t pid = 0;
};

struct ended_message {
    message_kind kind = message_kind::ended;
    pid_t pid = 0;
    std::int32_t status = 0;
    std::int32_t status_known = 0;
    std::int64_t max_rss_kib = 0;
};

/// A worker_spec as the worker receives it.
struct worker_request {
    worker_boot boot;
    worker_main_fn main = nullptr;
    unique_fd lifeline;
    unique_fd standard_output;
    unique_fd standard_error;
    int crash_fd = -1;
    std::uint64_t crash_offset = 0;
    std::uint64_t memory_limit = 0;
    std::vector<int> affinity;
    process_os::surroundings surroundings;
    std::vector<gid_t> supplementary_groups;
    unique_fd working_directory;  ///< may be none
};

struct encoded_request {
    std::vector<std::byte> bytes;
    std::vector<int> fds;
    unique_fd working_directory;  ///< one of `fds`
};

/// Adds the surroundings of this process.
/// @throws std::invalid_argument if the spec is inconsistent or exceeds a limit
/// @throws std::system_error
[[nodiscard]] encoded_request encode_request(const worker_spec& spec, int lifeline_read_end);
/// @return empty if the message is not a launch request
[[nodiscard]] std::optional<worker_request> decode_request(std::span<const std::byte> bytes,
                                                           std::vector<unique_fd> fds);

template <class T>
[[nodiscard]] std::span<const std::byte> bytes_of(const T& message) {
    static_assert(std::is_trivially_copyable_v<T>);
    return std::as_bytes(std::span{&message, std::size_t{1}});
}

/// The message as a T; empty if its size or kind differs.
template <class T>
[[nodiscard]] std::optional<T> parse_message(std::span<const std::byte> bytes) {
    static_assert(std::is_trivially_copyable_v<T>);
    T message;
    if (bytes.size() != sizeof message) return std::nullopt;
    const message_kind expected = message.kind;
    std::memcpy(&message, bytes.data(), sizeof message);
    if (message.kind != expected) return std::nullopt;
    return message;
}

}  // namespace cadre::detail::process_os
