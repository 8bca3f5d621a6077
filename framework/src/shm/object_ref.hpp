/// @file
/// Names of shared objects, and the words that say which object an entry of the object table is.
#pragma once

#include <cstddef>
#include <cstdint>

#include <cadre/detail/state/channel_message.hpp>

#include "shm/identity.hpp"
#include "shm/layout.hpp"

namespace cadre::detail::shm {

/// Names an object uniquely, for the lifetime of the program: an entry is reused only under another incarnation.
struct object_ref {
    std::uint32_t slot = 0;
    std::uint32_t index = 0;
    std::uint32_t incarnation = 0;
    object_kind kind = object_kind::none;

    friend auto operator<=>(const object_ref&, const object_ref&) = default;
    /// The bit of a pending word for this object, which it shares with some others.
    [[nodiscard]] constexpr unsigned ring_index() const noexcept { return (index + slot * 7) % 64; }
};

/// object_entry::state: incarnation << 32 | arrivals, or the slot of the process that frees it << 5 | kind << 2 | phase
///
/// | state            | changed by                                     | to
/// |
/// | ---------------- | ---------------------------------------------- | ----------------------------------------------
/// |
/// | free(i)          | the owner of the arena, s                      | freeing(i + 1, none, s)
/// |
/// | freeing(i, none) | the owner, when the other words are written    | live(i)
/// |
/// | live(i)          | a process that has set its presence bit        | live(i), one more arrival, by CAS
/// |
/// |                  | a process s that found the object unused       | freeing(i, s), by CAS with the arrivals it
/// read |
/// | freeing(i, s)    | s, or the supervisor if s is dead              | free(i)
/// |
///
/// All operations are sequentially consistent, except that the owner may read its own entries with acquire.
struct object_word {
    std::uint64_t raw;
    static constexpr std::uint64_t arrivals_mask = 0xffff'ffe0;  // of a live object

    static constexpr object_word make(std::uint32_t incarnation, object_kind k, object_phase p,
                                      unsigned slot = 0) noexcept {
        return {(std::uint64_t{incarnation} << 32) | (std::uint64_t{slot} << 5) | (static_cast<std::uint64_t>(k) << 2) |
                static_cast<std::uint64_t>(p)};
    }
    [[nodiscard]] constexpr std::uint32_t incarnation() const noexcept { return static_cast<std::uint32_t>(raw >> 32); }
    [[nodiscard]] constexpr object_kind kind() const noexcept { return static_cast<object_kind>((raw >> 2) & 7); }
    [[nodiscard]] constexpr unsigned slot() const noexcept { return static_cast<unsigned>(raw & arrivals_mask) >> 5; }
    [[nodiscard]] constexpr object_phase phase() const noexcept { return static_cast<object_phase>(raw & 3); }
    /// The same with one more arrival: the compare-and-swap of a process that is about to free the object fails.
    [[nodiscard]] constexpr object_word arrived() const noexcept {
        return {(raw & ~arrivals_mask) | ((raw + 0x20) & arrivals_mask)};
    }
    /// Whether both are equal but for arrivals.
    [[nodiscard]] constexpr bool is(object_word other) const noexcept {
        return ((raw ^ other.raw) & ~arrivals_mask) == 0;
    }
};

/// The holder word of an object's block while the object exists.
[[nodiscard]] constexpr holder_word held_by_object(object_ref o) noexcept {
    return (std::uint64_t{o.incarnation} << 32) | (std::uint64_t{o.index} << (slot_bits + 3)) |
           (std::uint64_t{o.slot} << 3) | 2u;
}

[[nodiscard]] constexpr handle_name name_of(object_ref o) noexcept {
    return {(o.slot << 8) | static_cast<std::uint32_t>(o.kind), o.index, o.incarnation};
}
/// Any value may result: check it with object_table::plausible.
[[nodiscard]] constexpr object_ref named(handle_name n) noexcept {
    return {n.slot_and_kind >> 8, n.index, n.incarnation, static_cast<object_kind>(n.slot_and_kind & 0xff)};
}

/// The location of an object's data, checked: `size` bytes from `data` are inside its block.
struct object_data {
    std::byte* data = nullptr;
    std::uint64_t size = 0;
    std::uint64_t parameter = 0;
    std::uint32_t domain = 0;
};

}  // namespace cadre::detail::shm
