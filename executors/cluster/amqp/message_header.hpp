/// @file
/// The header of a message, in its AMQP property `correlation-id`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cadre::detail::amqp {

enum class message_kind : char {
    data = 'd',  ///< a message of the core
    hello = 'h',  ///< agent to program; session: how often the agent has left a session; peer: the agent's key
    welcome = 'w',  ///< program to agent; peer: its number from now on
    announce = 'a',  ///< program to all agents: a program has connected
    end = 'e',  ///< to all agents: the session has ended
    bye = 'b',  ///< agent to program: its last message
    fence = 'f',  ///< program to itself: all messages of the agent `peer` have arrived
    token = 't',  ///< held by its sender; delivered to the other side when the connection of the sender ends
};

struct message_header {
    message_kind kind{};
    std::uint64_t session = 0;  ///< of the program; a new one for each of its connections; 0: none
    std::uint64_t peer = 0;
};

/// A kind and two numbers of 16 hexadecimal digits, readable in RabbitMQ's console.
using header_text = std::array<char, 33>;

[[nodiscard]] header_text encode(const message_header& header) noexcept;
/// Empty if `encode` does not produce such a text.
[[nodiscard]] std::optional<message_header> decode(std::string_view text) noexcept;

/// 16 hexadecimal digits.
[[nodiscard]] std::array<char, 16> hexadecimal(std::uint64_t value) noexcept;
[[nodiscard]] std::optional<std::uint64_t> parse_hexadecimal(std::string_view text) noexcept;

}  // namespace cadre::detail::amqp
