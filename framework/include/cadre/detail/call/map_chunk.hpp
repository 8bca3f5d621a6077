/// @file
/// The caller's side of a chunk of a map: what local and remote chunks share.
#pragma once

#include <cstddef>

#include <cadre/detail/base/intrusive_list.hpp>
#include <cadre/detail/call/completion_queue.hpp>

namespace cadre::detail {

/// Which items a chunk holds. Returns through the map's completion queue.
class map_chunk : public completion_queue::node {
public:
    virtual ~map_chunk() = default;

    /// Asks the items of a chunk in flight to stop; a chunk that has not begun does not begin.
    virtual void stop() noexcept = 0;

    std::size_t first = 0;  ///< index of its first item in the input
    list_links<map_chunk> links{};  ///< of the chunks in flight
};

}  // namespace cadre::detail
