/// @file
/// How a region divides its address space: how many processes, and how much for each.
#pragma once

#include <array>
#include <cstdint>

#include "shm/layout.hpp"

namespace cadre::detail::shm {

struct region_options {
    /// The maximum number of processes at the same time, the parent included; 0: as many as the address space allows.
    unsigned slots = 0;
    /// Address space per near process in bytes; memory is committed on use. 0: as much as is there.
    std::uint64_t arena_size = 0;
};

/// Sizes in bytes of the arenas of the parent, of other near processes and of far ones, multiples of unit_size.
struct region_shape {
    std::uint32_t slots = 0;
    std::uint64_t parents_arena = 0;
    std::uint64_t near_arena = 0;
    std::uint64_t far_arena = 0;  ///< 0 without far slots

    [[nodiscard]] std::uint64_t arena_size(unsigned slot) const noexcept {
        return slot == 0 ? parents_arena : is_far(slot) ? far_arena : near_arena;
    }
    [[nodiscard]] bool sound() const noexcept;
    friend bool operator==(const region_shape&, const region_shape&) = default;

    /// The best shape within `budget` bytes of address space. @throws std::system_error ENOMEM if it is too little
    [[nodiscard]] static region_shape within(std::uint64_t budget, const region_options& options);
};

/// The address space that a new region may take, from what this process has left.
[[nodiscard]] std::uint64_t region_budget() noexcept;

/// Offsets of the parts of a region.
class region_map {
public:
    explicit region_map(const region_shape& shape) noexcept;

    [[nodiscard]] const region_shape& shape() const noexcept { return shape_; }
    [[nodiscard]] const arena_layout& layout(unsigned slot) const noexcept {
        return layouts_[slot == 0 ? 0 : is_far(slot) ? 2 : 1];
    }
    [[nodiscard]] static constexpr std::uint64_t process_offset(unsigned slot) noexcept {
        return (sizeof(region_header) + page_size - 1) / page_size * page_size + slot * sizeof(process_entry);
    }
    [[nodiscard]] std::uint64_t arena_offset(unsigned slot) const noexcept {
        if (slot == 0) return first_arena_;
        return is_far(slot) ? far_arenas_ + (slot - near_slots) * shape_.far_arena
                            : near_arenas_ + (slot - 1) * shape_.near_arena;
    }
    [[nodiscard]] std::uint64_t far_offset(unsigned slot, std::uint64_t index) const noexcept {
        const std::uint64_t before = slot == 0      ? 0
                                     : is_far(slot) ? layouts_[0].objects + (near_slots - 1) * layouts_[1].objects +
                                                          (slot - near_slots) * layouts_[2].objects
                                                    : layouts_[0].objects + (slot - 1) * layouts_[1].objects;
        return far_records_ + (before + index) * sizeof(far_record);
    }
    /// The slot whose arena contains `offset`; the number of slots if no arena does.
    [[nodiscard]] unsigned slot_of(std::uint64_t offset) const noexcept;
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

private:
    region_shape shape_;
    std::array<arena_layout, 3> layouts_;  // of the parent, of other near and of far processes
    std::uint64_t first_arena_ = 0;
    std::uint64_t near_arenas_ = 0;
    std::uint64_t far_arenas_ = 0;
    std::uint64_t far_records_ = 0;  // also where the arenas end
    std::uint64_t size_ = 0;
};

}  // namespace cadre::detail::shm
