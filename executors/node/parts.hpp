/// @file
/// Messages that are too large for the link are sent in parts.
#pragma once

#include "node/message.hpp"
#include "node/node_link.hpp"

#include <cadre/detail/base/byte_buffer.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>

namespace cadre::detail::node {

/// Publishes a message of any size. `to` must not be `target::work`: its parts could reach different agents.
void publish_in_parts(node_link& link, target to, node_id agent, byte_buffer message);

/// Assembles messages from their parts. The parts of a message arrive in order; parts of several messages may
/// alternate. Not thread-safe.
class part_collector {
public:
    /// @return the message if this is its last part. @throws codec_error if the part does not follow those before it
    [[nodiscard]] std::optional<byte_buffer> add(node_id from, std::span<const std::byte> part);
    /// Drops the incomplete messages of a sender.
    void forget(node_id from) noexcept;
    void clear() noexcept { incomplete_.clear(); }

private:
    std::map<std::pair<node_id, std::uint64_t>, byte_buffer> incomplete_;  // by sender and number of the message
};

}  // namespace cadre::detail::node
