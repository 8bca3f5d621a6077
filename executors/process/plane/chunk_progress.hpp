/// @file
/// Where a worker commits the results of a chunk, item by item, without a message for each.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace cadre::detail::process_plane {

/// Begins a block of the worker's area; the results follow. The worker writes results first and then this word, so that
/// after a death the parent finds whole items: how many of the chunk have ended, and how many bytes of results are here.
/// Results that a `committed` event has carried are no longer here.
struct chunk_progress {
    std::atomic<std::uint64_t> word;

    static constexpr std::uint64_t capacity = 16 * 1024;
    static constexpr std::uint64_t room = capacity - sizeof(std::uint64_t);
    static constexpr std::uint64_t pack(std::uint32_t items, std::uint32_t bytes) noexcept {
        return std::uint64_t{items} << 32 | bytes;
    }
    static constexpr std::uint32_t items(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word >> 32); }
    static constexpr std::uint32_t bytes(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word); }

    [[nodiscard]] std::byte* data() noexcept { return reinterpret_cast<std::byte*>(this) + sizeof(std::uint64_t); }
    [[nodiscard]] const std::byte* data() const noexcept {
        return reinterpret_cast<const std::byte*>(this) + sizeof(std::uint64_t);
    }
};

}  // namespace cadre::detail::process_plane
