/// @file
/// The bytes of a channel's messages: in a cell, or in a block that the cell names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "shm/arena.hpp"
#include "shm/blocks.hpp"
#include "shm/channel_layout.hpp"

namespace cadre::detail::shm {

/// Finds and claims the blocks of messages for one process. `length` is the value of a cell's word of that name: anything
/// may be in it.
class channel_payload {
public:
    channel_payload(const region& memory, process_id self) noexcept : memory_(memory), self_(self) {}

    static constexpr std::uint64_t carries_mark(bool carries) noexcept {
        return carries ? channel_cell::carries_bit : 0;
    }
    [[nodiscard]] static constexpr bool carries(std::uint64_t length) noexcept {
        return (length & channel_cell::carries_bit) != 0;
    }
    [[nodiscard]] static constexpr bool in_block(std::uint64_t length) noexcept {
        return (length & channel_cell::in_block) != 0;
    }
    /// Of a message that lies in the cell.
    [[nodiscard]] static constexpr std::uint64_t size_in_cell(std::uint64_t length) noexcept {
        return length & ~channel_cell::carries_bit;
    }

    [[nodiscard]] block_location block_of(std::uint64_t length) const noexcept {
        if (!in_block(length)) return {};
        return find_block(memory_, length & ~(channel_cell::in_block | channel_cell::carries_bit));
    }
    /// The bytes of a block's message if its length is possible, else none.
    [[nodiscard]] std::span<const std::byte> bytes_in(const block_location& b) const noexcept {
        const std::uint64_t size = length_of(memory_, b.offset).load(std::memory_order_relaxed);
        return {memory_.at<const std::byte>(b.data()), size <= b.room ? size : 0};
    }
    /// The bytes of the message, never outside of the cell or the block.
    [[nodiscard]] std::span<const std::byte> message_in(const channel_cell& c, std::uint64_t length) const noexcept {
        if (const block_location b = block_of(length); b.offset != 0) return bytes_in(b);
        const std::uint64_t size = size_in_cell(length);
        return {c.bytes, size <= channel_cell::room ? size : 0};
    }

    [[nodiscard]] bool claim(std::uint64_t offset) const noexcept {
        holder_word h = holder_of(memory_, offset).load(std::memory_order_acquire);
        return h != nobody && holder_of(memory_, offset).compare_exchange_strong(h, held_by(self_));
    }
    void release(std::uint64_t offset) const noexcept { arena::release(memory_, offset, held_by(self_)); }
    /// A dead receiver has claimed the block: names the block's arena as its holder again, as the sender did.
    void return_to_owner(std::uint64_t offset, process_id dead) const noexcept {
        const unsigned owner = memory_.slot_of(offset);
        const auto generation = static_cast<std::uint32_t>(memory_.process(owner).identity.load() >> 32);
        holder_word h = held_by(dead);
        holder_of(memory_, offset).compare_exchange_strong(h, held_by({owner, generation}));
    }

private:
    const region& memory_;
    process_id self_;
};

}  // namespace cadre::detail::shm
