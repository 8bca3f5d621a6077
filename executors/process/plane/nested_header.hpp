/// @file
/// The description of a call that a worker makes on its own executor.
#pragma once

#include <cadre/detail/codec/function_identity.hpp>

#include <cstddef>
#include <cstdint>

namespace cadre::detail::process_plane {

/// Unfinished nested calls of one worker, at most: the parent keeps a record of each.
inline constexpr std::size_t max_nested_calls = std::size_t{1} << 15;

/// Bytes of the names and arguments of these calls together, at most, if there are several: the parent keeps a copy of
/// each.
inline constexpr std::size_t max_nested_bytes = std::size_t{16} << 20;

/// File descriptors in the arguments of these calls together, at most, if there are several.
inline constexpr std::size_t max_nested_descriptors = 256;

/// Heads the body of a `nested_call` event; the name and the arguments follow.
struct nested_header {
    function_id entry;
    std::int64_t timeout;  ///< nanoseconds
    std::uint64_t call_id;
    std::uint32_t items;
    std::int32_t priority;
    std::int32_t retries;
    std::uint32_t name_size;
    std::uint64_t flags;

    static constexpr std::uint64_t may_return_descriptors = 1;
    static constexpr std::uint64_t windowed = 2;
};

}  // namespace cadre::detail::process_plane
