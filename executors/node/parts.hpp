/// @file
/// Messages that are too large for the link are sent in parts.
#pragma once

#include "node/message.hpp"
#include "node/node_link.hpp"

#include <cadre/detail/base/byte_buffer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>

namespace cadre::detail::node {

/// Publishes a message of any size. `to` must not be `target::work`: its parts could reach different agents.
/// @throws std::bad_alloc if there is no memory for a part; the receiver then drops those before it
void publish_in_parts(node_link& link, target to, node_id agent, byte_buffer message);

/// A message that has arrived as a whole.
struct collected_message {
    byte_buffer bytes{};
    bool incomplete = false;  ///< there was no memory: its first byte, and its last ones with the fields, remain
};

/// Assembles messages from their parts. The parts of a message arrive in order; parts of several messages may
/// alternate. Not thread-safe.
class part_collector {
public:
    /// @return the message if this is its last part. @throws codec_error if the part does not follow those before it
    [[nodiscard]] std::optional<collected_message> add(node_id from, std::span<const std::byte> part);
    /// Drops the incomplete messages of a sender.
    void forget(node_id from) noexcept;
    void clear() noexcept { incomplete_.clear(); }

private:
    static constexpr std::size_t end_size = 128;  // no message has longer fields
    struct message {
        byte_buffer bytes{};
        std::uint64_t received = 0;
        bool no_memory = false;  // `bytes` is empty
        std::byte first{};
        std::array<std::byte, end_size> last{};  // the last ones that were received

        void add(std::span<const std::byte> part);
        [[nodiscard]] collected_message take();
    };

    std::map<std::pair<node_id, std::uint64_t>, message> incomplete_;  // by sender and number of the message
};

}  // namespace cadre::detail::node
