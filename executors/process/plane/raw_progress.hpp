/// @file
/// Where a worker commits the results of a raw chunk.
#pragma once

#include "process/plane/message.hpp"

#include <cadre/detail/scheduler/portable_call.hpp>

#include <cstddef>
#include <cstdint>

namespace cadre::detail::process_plane {

/// Heads a block of the worker's area; the array of results follows. The parent does not trust any of its words: it
/// takes back what they say is not claimed, and after a death copies results that they say are done, within the items
/// of the call.
struct alignas(64) raw_progress {
    raw_chunk_words words;

    static constexpr std::uint64_t size_for(std::uint64_t items, std::uint64_t result_size) noexcept {
        return sizeof(raw_progress) + items * result_size;
    }
    [[nodiscard]] std::byte* data() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
    [[nodiscard]] const std::byte* data() const noexcept { return reinterpret_cast<const std::byte*>(this + 1); }
};
static_assert(sizeof(raw_progress) == 64);

}  // namespace cadre::detail::process_plane
