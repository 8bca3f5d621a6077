/// @file
/// Blocks aligned to 64 bytes, from aligned slabs. Blocks have no headers: all of their memory can be used.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <cadre/detail/base/intrusive_list.hpp>
#include <cadre/detail/base/spin_mutex.hpp>
#include <cadre/detail/coroutine/frame_pool.hpp>

namespace cadre::detail {

/// The frames of all threads that are in no thread's list, by size class. A slab holds blocks of one class; its address
/// is found from that of a block. A slab whose blocks are all free goes back to the system, but for a few: 256 KiB, and
/// up to 16 MiB in a program that needs them again and again.
///
/// A few batches of each class are kept as they were given: a thread that makes frames which another one frees gets
/// them back with a few cache lines, those of the slabs stay where they are. Thread-safe.
class frame_slabs {
public:
    using block = frame_cache::free_frame;
    static constexpr std::uint32_t batch_size = 16;

    constexpr frame_slabs() noexcept = default;

    /// Takes up to `max_blocks` blocks of class `c`, at most `batch_size`. @return a list linked by `next`; null: no
    /// memory
    [[nodiscard]] block* take(std::size_t c, std::uint32_t max_blocks, std::uint32_t& taken) noexcept;
    /// Gives back a list of `count` blocks of class `c`, of any slabs.
    void give_back(std::size_t c, block* blocks, std::uint32_t count) noexcept;

    /// The process-wide instance. A forked process finds it unlocked.
    [[nodiscard]] static frame_slabs& instance() noexcept;

private:
    static constexpr std::size_t slab_size = std::size_t{16} << 10;
    static constexpr std::uint32_t mapped_at_once = 16;
    static constexpr std::uint32_t max_spare_limit = 1024;
    static constexpr std::uint32_t unmapped_at_once = 64;  // each munmap interrupts the processors of other threads
    static constexpr std::size_t kept_in_batches = std::size_t{64} << 10;  // bytes of a class

    struct slab {
        list_links<slab> links;
        block* free;
        std::uint32_t in_use;
        std::uint32_t untouched;  // blocks at the end that were never taken
    };
    static_assert(sizeof(slab) <= frame_granularity);
    /// The first block of `batch_size` blocks.
    struct batch : block {
        batch* next_batch;
    };
    static_assert(sizeof(batch) <= frame_granularity);
    struct batch_stack {
        batch* newest = nullptr;
        std::uint32_t count = 0;
    };

    [[nodiscard]] static std::uint32_t capacity(std::size_t c) noexcept;
    /// How many batches of a class are kept.
    [[nodiscard]] static std::uint32_t batch_limit(std::size_t c) noexcept;
    [[nodiscard]] static slab& slab_of(block* b) noexcept;
    [[nodiscard]] static block* take_one(slab& from, std::size_t c) noexcept;
    [[nodiscard]] slab* make_slab(std::size_t c) noexcept;
    [[nodiscard]] bool map_slabs() noexcept;
    void release_slab(slab& s) noexcept;
    void unmap_spares() noexcept;

    spin_mutex mutex_;  // a leaf: only the system's allocator of pages is called under it
    std::array<batch_stack, frame_classes> batches_{};
    std::array<intrusive_list<slab, &slab::links>, frame_classes> with_room_{};
    block* spare_ = nullptr;  // slabs without a class
    std::uint32_t spares_ = 0;
    // How many are kept. Raised when slabs are mapped again after some were unmapped: the program's demand comes and
    // goes, and pages that come and go cost system calls, page faults and interrupts of the other threads.
    std::uint32_t spare_limit_ = mapped_at_once;
    bool unmapped_ = false;  // since slabs were mapped last
    std::size_t mapped_ = 0;
};

}  // namespace cadre::detail
