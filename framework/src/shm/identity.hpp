/// @file
/// Names of processes in the words of shared memory.
#pragma once

#include <cstdint>

namespace cadre::detail::shm {

/// Slots of processes are near or far. Data per process are beside the object for near slots, in one word for
/// each set of processes; for far slots they are in memory of their own, which takes no space until a far process uses
/// the object.
inline constexpr unsigned near_slots = 64;
/// The far slots are the groups of one word each in a set of processes.
inline constexpr unsigned far_groups = 64;
inline constexpr unsigned far_slots = far_groups * 64;
/// Slots of one region: the parent's is 0.
inline constexpr unsigned max_slots = near_slots + far_slots;
/// In sets of processes: the supervisor while it recovers what a dead process held. No process gets this slot.
inline constexpr unsigned supervisor_slot = near_slots - 1;
/// Bits of a slot in the words of shared memory.
inline constexpr unsigned slot_bits = 13;
static_assert(max_slots <= 1u << slot_bits);

[[nodiscard]] constexpr bool is_far(unsigned slot) noexcept { return slot >= near_slots; }

/// 128 random bits that identify one program: another program does not accept its handles.
struct program_id {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    friend bool operator==(const program_id&, const program_id&) = default;
};

/// One process of the program: a slot of the process table and the number of processes the slot has had.
struct process_id {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;

    friend bool operator==(const process_id&, const process_id&) = default;
};

/// The process or object that may use a block. Zero is nobody, so that fresh memory is free.
///
/// | state      | changed by                                       | to                                          |
/// | ---------- | ------------------------------------------------ | ------------------------------------------- |
/// | nobody     | the arena's owner                                | held by the owner, by release store         |
/// | held by p  | p                                                | nobody, or the object that has it           |
/// |            | the receiver q of the message in it              | held by q, by CAS                           |
/// |            | supervisor, if p is dead                         | nobody, or the arena's owner, by CAS        |
/// | an object  | the process that frees the object, or supervisor | nobody, by CAS                              |
using holder_word = std::uint64_t;
inline constexpr holder_word nobody = 0;

[[nodiscard]] constexpr holder_word held_by(process_id p) noexcept {
    return (std::uint64_t{p.generation} << 32) | (std::uint64_t{p.slot} << 3) | 1u;
}

/// The points of the shared-memory algorithms at which a death makes a difference. Tests replace `no_probe` by a probe
/// that kills the process at a chosen step; `no_probe` costs nothing.
enum class step : std::uint8_t {
    send_claimed,  ///< the cell is claimed, the tail not yet advanced
    send_counted,  ///< the tail has passed the cell
    send_written,  ///< the message is in the cell, which is not full yet
    send_published,  ///< sent; no receiver was rung
    receive_claimed,  ///< the cell is being taken, the head not yet advanced
    receive_counted,  ///< the head has passed the cell
    receive_block_taken,  ///< the block of a large message is claimed
    receive_copied,  ///< copied; nothing consumed yet
    receive_declined,  ///< no memory for the message: the cell is returned, and not counted yet
    receive_consumed,  ///< the cell is free, the block still claimed
    close_announced,  ///< `closing` is set, the close mark not yet
    lock_held,  ///< the lock is taken
    lock_granted,  ///< granted to a process that was not rung yet
    lock_freed,  ///< released; no waiter was rung
    lock_claimed,  ///< claimed; sharers may be inside
    share_counted,  ///< counted as a sharer; the lock's word not yet read
    share_ended,  ///< counted no more; no claimant was rung
    permit_seen,  ///< the note of another process was read, its operation not yet completed
    permit_claimed,  ///< noted; the count of the process is unchanged
    permit_counted,  ///< counted; the note is still there
    // Heads of loops that keep nothing of earlier rounds: models discard the values read in these rounds.
    retry,
    retry_search,  ///< for a returned message
};

struct no_probe {
    static void at(step) noexcept {}
};

}  // namespace cadre::detail::shm
