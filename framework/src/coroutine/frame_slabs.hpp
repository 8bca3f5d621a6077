/// @file
/// Blocks aligned to 64 bytes, from aligned slabs. Blocks have no headers: all of their memory can be used.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include <cadre/detail/base/intrusive_list.hpp>
#include <cadre/detail/coroutine/frame_pool.hpp>

namespace cadre::detail {

/// The frames of all threads that are in no thread's list, by size class. A slab holds blocks of one class; its address
/// is found from that of a block. A slab whose blocks are all free goes back to the system, but for a few. Thread-safe.
class frame_slabs {
public:
    using block = frame_cache::free_frame;

    constexpr frame_slabs() noexcept = default;

    /// Takes up to `max_blocks` blocks of class `c`. @return a list linked by `next`; null: no memory
    [[nodiscard]] block* take(std::size_t c, std::uint32_t max_blocks, std::uint32_t& taken) noexcept;
    /// Gives back a list of blocks of class `c`, of any slabs.
    void give_back(std::size_t c, block* blocks) noexcept;

    /// The process-wide instance. A forked process finds it unlocked.
    [[nodiscard]] static frame_slabs& instance() noexcept;

private:
    static constexpr std::size_t slab_size = std::size_t{16} << 10;
    static constexpr std::uint32_t spare_limit = 16;

    struct slab {
        list_links<slab> links;
        block* free;
        std::uint32_t in_use;
        std::uint32_t untouched;  // blocks at the end that were never taken
    };
    static_assert(sizeof(slab) <= frame_granularity);

    [[nodiscard]] static std::uint32_t capacity(std::size_t c) noexcept;
    [[nodiscard]] static slab& slab_of(block* b) noexcept;
    [[nodiscard]] static block* take_one(slab& from, std::size_t c) noexcept;
    [[nodiscard]] slab* make_slab(std::size_t c) noexcept;
    [[nodiscard]] bool map_slabs() noexcept;
    void release_slab(slab& s) noexcept;

    std::mutex mutex_;  // a leaf: only the system's allocator of pages is called under it
    std::array<intrusive_list<slab, &slab::links>, frame_classes> with_room_{};
    block* spare_ = nullptr;  // slabs without a class
    std::uint32_t spares_ = 0;
    std::size_t mapped_ = 0;
};

}  // namespace cadre::detail
