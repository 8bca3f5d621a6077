/// @file
/// The part of shared memory in which one process allocates.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/free_runs.hpp"
#include "shm/blocks.hpp"
#include "shm/deferred_reclaim_list.hpp"

namespace cadre::detail::shm {

/// Small blocks are parts of units cut into one size, large blocks are runs of whole units. Free memory is recorded in
/// the owner's private memory only, and so is what the owner needs of the unit table; shared are the unit table,
/// written by the owner alone, and the holder words. Any holder releases a block by setting its holder word to nobody.
/// Thread-safe.
class arena {
public:
    /// Takes over the arena of this process's slot. Blocks of an earlier process in the slot that other processes hold
    /// remain with them.
    arena(const region& memory, process_id self);

    struct allocation {
        block_location block;
        bool zeroed = false;  ///< the bytes behind the header are known to be zero
    };
    /// Allocates a block with at least `size` bytes, held by this process; `block.offset == 0` if there is no memory.
    [[nodiscard]] allocation allocate(std::uint64_t size) noexcept;

    /// Releases a block of any arena if `holder` holds it.
    static bool release(const region& memory, std::uint64_t offset, holder_word holder) noexcept {
        return holder_of(memory, offset).compare_exchange_strong(holder, nobody, std::memory_order_acq_rel);
    }

private:
    [[nodiscard]] allocation allocate_small(unsigned size_class);
    [[nodiscard]] allocation allocate_large(std::uint64_t units);
    [[nodiscard]] bool cut_unit(unsigned size_class);
    void reclaim_large();
    /// Takes a run of units and commits memory for it. @return false if there is none
    [[nodiscard]] bool take_units(std::uint64_t count, std::uint64_t& first, bool& zeroed);
    void return_units(std::uint64_t first, std::uint64_t count);
    /// Restores the entry of a unit in the shared table from the private copy: a hostile process may have overwritten
    /// it.
    void heal(std::uint64_t unit) noexcept;
    void set_unit(std::uint64_t unit, std::uint32_t what) noexcept;
    [[nodiscard]] bool is_free(std::uint64_t offset) const noexcept {
        return holder_of(memory_, offset).load(std::memory_order_acquire) == nobody;
    }

    struct run {
        std::uint64_t first;
        std::uint64_t count;
    };

    const region& memory_;
    process_id self_;
    std::mutex mutex_;  // a leaf: no callbacks
    std::array<deferred_reclaim_list<std::uint64_t>, block_classes.size()> small_;
    deferred_reclaim_list<run> large_;
    free_runs free_units_;
    std::vector<bool> populated_;  // units known to have memory
    std::vector<std::uint32_t> table_;  // this process's own copy of its unit table
    std::uint64_t table_committed_ = 0;  // units whose words in the unit table have memory
};

}  // namespace cadre::detail::shm
