/// @file
/// Who did it: the names under which processes sign what they hold in shared memory.
#pragma once

#include <cstdint>

namespace cadre::detail::shm {

/// Most processes that can share one region, the parent included.
inline constexpr unsigned max_slots = 250;
/// Sets of processes are bit sets of this many words.
inline constexpr unsigned slot_words = 4;
/// In these sets: the parent's supervisor at work for a dead process, beside the parent itself.
inline constexpr unsigned supervisor_slot = 255;
static_assert(max_slots <= supervisor_slot && supervisor_slot < slot_words * 64);

/// One process of the program: a slot of the process table and how often that slot has been given away.
struct process_id {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;

    friend bool operator==(const process_id&, const process_id&) = default;
};

/// What a holder word says. Zero is nobody, so that fresh memory is free.
using holder_word = std::uint64_t;
inline constexpr holder_word nobody = 0;

[[nodiscard]] constexpr holder_word held_by(process_id p) noexcept {
    return (std::uint64_t{p.generation} << 32) | (std::uint64_t{p.slot} << 8) | 1u;
}

/// Where an algorithm on shared memory may be interrupted by death. Tests replace `no_probe` by one that kills the
/// process at a chosen step; here it costs nothing.
enum class step : std::uint8_t {
    send_claimed,        ///< the cell is ours, the tail not yet moved
    send_counted,        ///< the tail has passed the cell
    send_written,        ///< the message is in the cell, which does not say so yet
    send_published,      ///< sent; nobody was rung
    receive_claimed,     ///< the cell is being taken, the head not yet moved
    receive_counted,     ///< the head has passed the cell
    receive_block_taken, ///< the block of a large message is ours
    receive_copied,      ///< copied; nothing consumed yet
    receive_given_up,    ///< no memory for the message; the cell says so, the count of such cells does not
    receive_consumed,    ///< the cell is free again, the block still ours
    close_told,          ///< receivers know, senders do not yet
    lock_held,           ///< taken
    lock_granted,        ///< handed to another process that was not rung yet
    lock_freed,          ///< released; nobody was rung
    permit_seen,         ///< another's note was read, nothing done about it yet
    permit_claimed,      ///< the semaphore names us, our count does not say so yet
    permit_counted,      ///< counted; the semaphore still names us
};

struct no_probe {
    static void at(step) noexcept {}
};

}  // namespace cadre::detail::shm
