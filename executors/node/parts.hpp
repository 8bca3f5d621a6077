/// @file
/// Messages that are too large for the link travel in parts.
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

/// Publishes a message of any size, not to `target::work`.
void publish_in_parts(node_link& link, target to, node_id agent, byte_buffer message);

/// Puts the parts of messages together. Those of one sender arrive in order; messages may alternate. Takes no lock.
class part_collector {
public:
    /// @return the message whose last part this is. @throws codec_error
    [[nodiscard]] std::optional<byte_buffer> add(node_id from, std::span<const std::byte> part);
    /// Drops what is not complete.
    void forget(node_id from) noexcept;
    void clear() noexcept { incomplete_.clear(); }

private:
    std::map<std::pair<node_id, std::uint64_t>, byte_buffer> incomplete_;  // by sender and number of the message
};

}  // namespace cadre::detail::node
