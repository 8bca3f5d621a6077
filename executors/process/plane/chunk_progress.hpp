/// @file
/// Where a worker commits the results of a chunk, item by item, without a message for each.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace cadre::detail::process_plane {

/// Heads a block of the worker's area; the results follow. `word` is (items done, bytes of results in the block). Only
/// the worker stores it, with release, after it has written the results; the parent loads it with acquire after the
/// worker's death and finds whole items. Results that a `committed` event has carried are not in the block any more.
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
