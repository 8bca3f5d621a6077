#include "shm/region_shape.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <cadre/detail/base/sanitizers.hpp>

#include "base/address_space.hpp"

namespace cadre::detail::shm {

namespace {

constexpr std::uint64_t mebibyte = 1ull << 20;
constexpr std::uint64_t gibibyte = 1ull << 30;
// A sanitizer's shadow memory leaves less room.
#if defined(CADRE_TSAN) || defined(CADRE_ASAN)
constexpr unsigned default_slots = near_slots + 512;
constexpr std::uint64_t default_arena = gibibyte;
constexpr std::uint64_t default_far_arena = 64 * mebibyte;
#else
constexpr unsigned default_slots = max_slots;
constexpr std::uint64_t default_arena = 16 * gibibyte;
constexpr std::uint64_t default_far_arena = gibibyte;
#endif
constexpr std::uint64_t min_arena = 16 * mebibyte;
constexpr std::uint64_t max_arena = 1ull << 40;

constexpr std::uint64_t max_objects = 65536;
constexpr std::uint64_t max_far_objects = 4096;

constexpr std::uint64_t up(std::uint64_t n, std::uint64_t to) noexcept { return (n + to - 1) / to * to; }
constexpr std::uint64_t down(std::uint64_t n, std::uint64_t to) noexcept { return n / to * to; }

constexpr std::uint64_t first_arena(unsigned slots) noexcept {
    return up(region_map::process_offset(slots), unit_size);
}

constexpr bool is_arena(std::uint64_t size) noexcept {
    return size >= min_arena && size <= max_arena && size % unit_size == 0;
}

}  // namespace

bool region_shape::sound() const noexcept {
    return slots >= 1 && slots <= max_slots && is_arena(parents_arena) && is_arena(near_arena) &&
           (slots > near_slots ? is_arena(far_arena) : far_arena == 0);
}

region_shape region_shape::within(std::uint64_t budget, const region_options& options) {
    region_shape s;
    s.slots = options.slots != 0 ? std::min(options.slots, max_slots) : default_slots;
    s.near_arena =
        up(std::clamp(options.arena_size != 0 ? options.arena_size : default_arena, min_arena, max_arena), unit_size);
    s.parents_arena = s.near_arena;
    if (s.slots > near_slots) s.far_arena = std::min(s.near_arena, default_far_arena);
    if (region_map(s).size() <= budget) return s;
    // Half of a small region is the parent's, which makes most objects; and there are no far slots.
    s.slots = std::min(s.slots, near_slots);
    s.far_arena = 0;
    const std::uint64_t half = (budget - std::min(budget, first_arena(s.slots))) / 2;
    s.slots = static_cast<std::uint32_t>(std::min<std::uint64_t>(s.slots, 1 + half / min_arena));
    if (s.slots < 2)
        throw std::system_error(ENOMEM, std::generic_category(),
                                "reserving address space for the shared memory of process executors");
    s.parents_arena = std::min(s.parents_arena, down(half, unit_size));
    s.near_arena = std::min(s.near_arena, down(half / (s.slots - 1), unit_size));
    return s;
}

std::uint64_t region_budget() noexcept {
    const std::uint64_t left = address_space_left();
    return left == unlimited_address_space ? left : left / 4;
}

region_map::region_map(const region_shape& shape) noexcept
    : shape_(shape),
      layouts_{arena_layout::of(shape.parents_arena, max_objects), arena_layout::of(shape.near_arena, max_objects),
               shape.far_arena != 0 ? arena_layout::of(shape.far_arena, max_far_objects) : arena_layout{}},
      first_arena_(first_arena(shape.slots)), near_arenas_(first_arena_ + shape.parents_arena) {
    const unsigned near = std::min<unsigned>(shape.slots, near_slots);
    far_arenas_ = near_arenas_ + (near - 1) * shape.near_arena;
    far_records_ = far_arenas_ + (shape.slots - near) * shape.far_arena;
    size_ = shape.slots > near_slots ? far_offset(shape.slots, 0) : far_records_;
}

unsigned region_map::slot_of(std::uint64_t offset) const noexcept {
    if (offset < first_arena_ || offset >= far_records_) return shape_.slots;
    if (offset < near_arenas_) return 0;
    if (offset < far_arenas_) return 1 + static_cast<unsigned>((offset - near_arenas_) / shape_.near_arena);
    return near_slots + static_cast<unsigned>((offset - far_arenas_) / shape_.far_arena);
}

}  // namespace cadre::detail::shm
