/// @file
/// One cache line of a ring between the parent and one worker: the payload, and a word that names its state.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <cadre/detail/base/fence.hpp>

namespace cadre::detail::process_plane {

inline constexpr std::size_t slot_payload = 56;

struct alignas(64) slot {
    std::atomic<std::uint64_t> word;
    std::byte payload[slot_payload];
};
static_assert(sizeof(slot) == 64);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// `word` is (position, state). In an event ring the writer stores (p, queued) with release, and the reader counts in
/// `consumed`; the other states are those of request rings, see request_ring.hpp.
enum class slot_state : std::uint64_t { empty = 0, queued = 1, claimed = 2, revoked = 3 };

/// Positions count all messages since the start. 62 bits: at 10^9 a second they wrap in 146 years.
constexpr std::uint64_t slot_word(std::uint64_t position, slot_state state) noexcept {
    return position << 2 | static_cast<std::uint64_t>(state);
}
constexpr std::uint64_t slot_position(std::uint64_t word) noexcept { return word >> 2; }
constexpr slot_state slot_state_of(std::uint64_t word) noexcept { return static_cast<slot_state>(word & 3); }

template <class Message>
void write_payload(slot& to, const Message& message) noexcept {
    static_assert(std::is_trivially_copyable_v<Message> && sizeof(Message) == slot_payload);
    std::memcpy(to.payload, &message, sizeof message);
}

/// Makes a private copy, which later writes of the other process do not change.
template <class Message>
void read_payload(const slot& from, Message& message) noexcept {
    static_assert(std::is_trivially_copyable_v<Message> && sizeof(Message) == slot_payload);
    std::memcpy(&message, from.payload, sizeof message);
    // Keeps the compiler from reading the shared bytes again instead of the copy.
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

using detail::full_fence;

}  // namespace cadre::detail::process_plane
