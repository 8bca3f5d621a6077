/// @file
/// Allocates one half of a call memory: blocks for arguments or results that do not fit into a slot.
#pragma once

#include "base/free_runs.hpp"
#include "process/plane/message.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace cadre::detail::process_plane {

/// An allocator over a sparse region of a memfd. All bookkeeping is private to the process that allocates, so nothing
/// the other process writes can mislead it. Small blocks come from size classes, last in first out, because a page
/// that is in use already costs a tenth of a fresh one; large ones are runs of pages, which are populated in bulk, used
/// again as they are, and given back to the system beyond a bound. Space is taken by fallocate: exhaustion is a failed
/// allocation, never a fault. Not thread-safe.
class block_allocator {
public:
    /// @param base where the memfd is mapped; [begin, begin + size) is this area
    block_allocator(int memfd, std::byte* base, std::uint64_t begin, std::uint64_t size);

    /// A block of at least `size` bytes; size 0: no memory is left.
    [[nodiscard]] block allocate(std::uint64_t size) noexcept;
    void release(block b) noexcept;
    /// A block of whole pages that shares none with another block, whatever its size.
    [[nodiscard]] block allocate_pages(std::uint64_t size) noexcept;
    [[nodiscard]] std::byte* at(const block& b) const noexcept { return base_ + b.offset; }

private:
    static constexpr std::uint64_t min_block_size = 128;
    static constexpr std::uint64_t largest_class = std::uint64_t{1} << 20;
    static constexpr std::size_t classes = 14;
    static constexpr std::uint64_t page = 4096;
    static constexpr std::uint64_t keep_warm = std::uint64_t{160} << 20;

    [[nodiscard]] bool populate(std::uint64_t offset, std::uint64_t size) noexcept;
    [[nodiscard]] block allocate_small(std::size_t size_class);
    [[nodiscard]] block allocate_large(std::uint64_t size);
    void release_large(block b);
    void cool(std::uint64_t bytes);
    void punch(block b) noexcept;

    int memfd_;
    std::byte* base_;
    std::array<std::vector<std::uint64_t>, classes> free_;
    std::uint64_t slab_ = 0;  // where small blocks are cut from
    std::uint64_t slab_end_ = 0;
    free_runs cold_;  // runs without pages
    free_runs warm_;  // free runs that have their pages
    std::uint64_t warm_bytes_ = 0;
};

/// Whether a reference that the other side sent is inside its area.
[[nodiscard]] constexpr bool inside(const block& b, std::uint64_t begin, std::uint64_t size) noexcept {
    return b.size != 0 && b.offset >= begin && b.size <= size && b.offset - begin <= size - b.size;
}

}  // namespace cadre::detail::process_plane
