/// @file
/// The caller's side of a chunk of a map: what local and remote chunks share.
#pragma once

#include <cstddef>
#include <cstdint>

#include <cadre/detail/base/intrusive_list.hpp>
#include <cadre/detail/call/completion_queue.hpp>

namespace cadre::detail {

class returned_items;

/// Which items a chunk holds. Returns through the map's completion queue.
class map_chunk : public completion_queue::node {
public:
    virtual ~map_chunk() = default;
    /// Null if this is a chunk.
    [[nodiscard]] virtual returned_items* returned() noexcept { return nullptr; }

    /// Asks the items of a chunk in flight to stop; a chunk that has not begun does not begin.
    virtual void stop() noexcept = 0;

    std::size_t first = 0;  ///< index of its first item in the input
    list_links<map_chunk> links{};  ///< of the chunks in flight
};

/// Items of a chunk in flight that its executor has taken back from a busy worker. Returns through the map's completion
/// queue, before the chunk does.
class returned_items final : public map_chunk {
public:
    explicit returned_items(map_chunk& from_chunk) noexcept : chunk(from_chunk) {}
    void stop() noexcept override {}
    [[nodiscard]] returned_items* returned() noexcept override { return this; }

    map_chunk& chunk;
    std::uint32_t from = 0;  ///< the first returned item
};

}  // namespace cadre::detail
