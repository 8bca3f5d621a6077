/// @file
/// Blocks of shared memory. The holder of a block may use it; only the owner of its arena reuses a free one.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "shm/region.hpp"

namespace cadre::detail::shm {

/// In front of a block's bytes.
struct block_header {
    word holder;
    word length;  ///< of the message in it
};
static_assert(sizeof(block_header) == 16);

/// Sizes of small blocks, header included; a unit is cut into blocks of one size.
inline constexpr std::array<std::uint32_t, 18> block_classes{64,   128,  192,  256,  384,  512,   768,   1024,  1536,
                                                             2048, 3072, 4096, 6144, 8192, 12288, 16384, 21824, 32768};

/// An entry of the unit table: 0 for a unit that is free or inside a run, small_unit | class for a unit cut into small
/// blocks, or the length of the run that begins here. Written by the arena's owner with release, after the holder words
/// of the blocks; read by all with acquire. The supervisor sets entries of a dead owner to 0.
inline constexpr std::uint32_t small_unit = 0x8000'0000u;

/// The position and capacity of a block; `offset == 0`: no block.
struct block_location {
    std::uint64_t offset = 0;  ///< of the header
    std::uint64_t room = 0;  ///< bytes behind the header
    [[nodiscard]] std::uint64_t data() const noexcept { return offset + sizeof(block_header); }
};

/// The block whose header is at `offset` according to the unit table. `offset` may be any number.
[[nodiscard]] inline block_location find_block(const region& memory, std::uint64_t offset) noexcept {
    const unsigned slot = memory.slot_of(offset);
    if (slot == memory.slots()) return {};
    const std::uint64_t first = memory.unit_offset(slot, 0);
    if (offset < first) return {};
    const std::uint64_t index = (offset - first) / unit_size;
    const std::uint64_t inside = (offset - first) % unit_size;
    if (index >= memory.layout(slot).units) return {};
    const std::uint32_t what = memory.unit(slot, index).load(std::memory_order_acquire);
    if ((what & small_unit) != 0) {
        const std::uint32_t c = what & ~small_unit;
        if (c >= block_classes.size()) return {};
        const std::uint32_t size = block_classes[c];
        if (inside % size != 0 || inside + size > unit_size) return {};
        return {offset, size - sizeof(block_header)};
    }
    if (what == 0 || inside != 0 || what > memory.layout(slot).units - index) return {};
    return {offset, what * unit_size - sizeof(block_header)};
}

/// `offset` is that of a block from `find_block` or of this process's own.
[[nodiscard]] inline word& holder_of(const region& memory, std::uint64_t offset) noexcept {
    return memory.at<block_header>(offset)->holder;
}

[[nodiscard]] inline word& length_of(const region& memory, std::uint64_t offset) noexcept {
    return memory.at<block_header>(offset)->length;
}

/// Whether bytes of a region were written, for offsets that rise. Reading others would allocate memory for them.
class written_ranges {
public:
    explicit written_ranges(const region& memory) noexcept : memory_(memory) {}

    [[nodiscard]] bool contain(std::uint64_t offset) noexcept {
        if (offset < end_) return true;
        if (offset < hole_end_) return false;
        const std::uint64_t size = memory_.written_from(memory_.at<std::byte>(offset));
        end_ = size < ~offset ? offset + size : ~std::uint64_t{0};
        hole_end_ = offset / page_size * page_size + page_size;
        return size != 0;
    }

private:
    const region& memory_;
    std::uint64_t end_ = 0;
    std::uint64_t hole_end_ = 0;  // of the page that was found unwritten last
};

/// The entries of an arena's unit table, for units that rise; 0 for an entry that was never written. The table has
/// holes, also between entries that are in use: of a run only the first entry is written.
class unit_entries {
public:
    unit_entries(const region& memory, unsigned slot) noexcept
        : memory_(memory), slot_(slot),
          used_(std::min(memory.arena(slot).units_used.load(std::memory_order_acquire), memory.layout(slot).units)),
          written_(memory) {}

    /// Units below this may be in use.
    [[nodiscard]] std::uint64_t used() const noexcept { return used_; }
    [[nodiscard]] std::uint32_t at(std::uint64_t unit) noexcept {
        const half_word& entry = memory_.unit(slot_, unit);
        return written_.contain(memory_.offset_of(&entry)) ? entry.load(std::memory_order_acquire) : 0;
    }

private:
    const region& memory_;
    unsigned slot_;
    std::uint64_t used_;
    written_ranges written_;
};

/// Calls `f(block_location)` for every block of the arena. The walk is bounded, whatever the unit table contains, and
/// reads only what was written before: it takes no memory.
template <class F>
void for_each_block(const region& memory, unsigned slot, F f) {
    const std::uint64_t max_units = memory.layout(slot).units;
    unit_entries entries(memory, slot);
    written_ranges written(memory);
    for (std::uint64_t u = 0; u < entries.used();) {
        const std::uint32_t what = entries.at(u);
        const std::uint64_t start = memory.unit_offset(slot, u);
        if (what == 0 || !written.contain(start)) {
            ++u;
        } else if ((what & small_unit) != 0 && (what & ~small_unit) < block_classes.size()) {
            const std::uint32_t size = block_classes[what & ~small_unit];
            for (std::uint64_t at = 0; at + size <= unit_size && written.contain(start + at); at += size)
                f(block_location{start + at, size - sizeof(block_header)});
            ++u;
        } else if ((what & small_unit) == 0 && what <= max_units - u) {
            f(block_location{start, what * unit_size - sizeof(block_header)});
            u += what;
        } else {
            ++u;
        }
    }
}

}  // namespace cadre::detail::shm
