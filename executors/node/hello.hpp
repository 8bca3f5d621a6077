/// @file
/// The handshake of a program and an agent.
#pragma once

#include <cadre/detail/base/byte_buffer.hpp>
#include <cadre/executor.hpp>
#include <cadre/executor_backend.hpp>
#include <cadre/executors/process_options.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace cadre::detail::node {

/// The first message of the program to an agent.
struct program_hello {
    std::uint64_t build = 0;
    std::string host{};
    executor_kind kind = executor_kind::cluster;
    executor_identity identity{};  ///< of the executor's handles
    std::string executor_name{};
    process_options options{};  ///< of each agent's pool; without `name`
};
[[nodiscard]] byte_buffer encode_hello(const program_hello& hello);
/// If the other side has another build, only `build` and `host` are read. @throws codec_error
[[nodiscard]] program_hello decode_program_hello(std::span<const std::byte> bytes);

/// The first message of an agent to the program.
struct agent_hello {
    std::uint64_t build = 0;
    std::string host{};
    std::int32_t pid = 0;
};
[[nodiscard]] byte_buffer encode_hello(const agent_hello& hello);
/// @throws codec_error
[[nodiscard]] agent_hello decode_agent_hello(std::span<const std::byte> bytes);

/// A hash of the build-id of this program; 0: it has none.
[[nodiscard]] std::uint64_t build_of_program();
/// 16 hexadecimal digits, for messages.
[[nodiscard]] std::string build_text(std::uint64_t build);
/// The error that the other side has another build.
[[nodiscard]] std::string other_build_text(const std::string& here, std::uint64_t other, const std::string& there);

}  // namespace cadre::detail::node
