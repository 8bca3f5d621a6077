/// @file
/// The bytes of a channel's messages: in a cell, or in a block that the cell names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "shm/blocks.hpp"
#include "shm/channel_layout.hpp"

namespace cadre::detail::shm {

/// The blocks of a region. The model that explores channels has others: tests/models/channel_model.hpp.
class region_blocks {
public:
    using word_type = word;

    region_blocks(const region& memory) noexcept : memory_(memory) {}

    /// The block at `offset`, which may be any number.
    [[nodiscard]] block_location find(std::uint64_t offset) const noexcept { return find_block(memory_, offset); }
    [[nodiscard]] word& holder(std::uint64_t offset) const noexcept { return holder_of(memory_, offset); }
    [[nodiscard]] word& length(std::uint64_t offset) const noexcept { return length_of(memory_, offset); }
    [[nodiscard]] const std::byte* bytes(const block_location& b) const noexcept {
        return memory_.at<const std::byte>(b.data());
    }
    /// Messages from this size on are refused unless all their bytes were written.
    static constexpr std::uint64_t ask_from = std::uint64_t{2} << 20;
    /// Whether the first `size` bytes of the block were written: reading others takes memory. A short message is not
    /// worth the question.
    [[nodiscard]] bool written(const block_location& b, std::uint64_t size) const noexcept {
        return size < ask_from || memory_.written_from(memory_.at<const std::byte>(b.offset)) >= size;
    }
    /// The process that owns the arena of the block.
    [[nodiscard]] process_id owner(std::uint64_t offset) const noexcept {
        const unsigned slot = memory_.slot_of(offset);
        return {slot, static_cast<std::uint32_t>(memory_.process(slot).identity.load() >> 32)};
    }

private:
    const region& memory_;
};

/// Finds and claims the blocks of messages for one process. `length` is the value of a cell's word of that name:
/// anything may be in it.
template <class Blocks = region_blocks>
class channel_payload {
    using cell = basic_channel_cell<typename Blocks::word_type>;

public:
    channel_payload(Blocks blocks, process_id self) noexcept : blocks_(blocks), self_(self) {}

    static constexpr std::uint64_t carries_mark(bool carries) noexcept { return carries ? cell::carries_bit : 0; }
    [[nodiscard]] static constexpr bool carries(std::uint64_t length) noexcept {
        return (length & cell::carries_bit) != 0;
    }
    [[nodiscard]] static constexpr bool in_block(std::uint64_t length) noexcept {
        return (length & cell::in_block) != 0;
    }
    /// The size of a message that is stored in the cell.
    [[nodiscard]] static constexpr std::uint64_t size_in_cell(std::uint64_t length) noexcept {
        return length & ~cell::carries_bit;
    }

    [[nodiscard]] block_location block_of(std::uint64_t length) const noexcept {
        if (!in_block(length)) return {};
        return blocks_.find(length & ~(cell::in_block | cell::carries_bit));
    }
    /// The bytes of a block's message; `nullptr` if its length is impossible, or more than was written.
    [[nodiscard]] std::span<const std::byte> bytes_in(const block_location& b) const noexcept {
        const std::uint64_t size = blocks_.length(b.offset).load(std::memory_order_relaxed);
        if (size > b.room || !blocks_.written(b, size)) return {};
        return {blocks_.bytes(b), size};
    }
    /// The bytes of the message, never outside of the cell or the block.
    [[nodiscard]] std::span<const std::byte> message_in(const cell& c, std::uint64_t length) const noexcept {
        if (const block_location b = block_of(length); b.offset != 0) return bytes_in(b);
        const std::uint64_t size = size_in_cell(length);
        return {c.bytes, size <= cell::room ? size : 0};
    }

    [[nodiscard]] bool claim(std::uint64_t offset) const noexcept {
        holder_word h = blocks_.holder(offset).load(std::memory_order_acquire);
        return h != nobody && blocks_.holder(offset).compare_exchange_strong(h, held_by(self_));
    }
    /// Releases a block if this process holds it.
    void release(std::uint64_t offset) const noexcept {
        holder_word h = held_by(self_);
        blocks_.holder(offset).compare_exchange_strong(h, nobody, std::memory_order_acq_rel);
    }
    /// A dead receiver has claimed the block: names the block's arena as its holder again, as the sender did.
    void return_to_owner(std::uint64_t offset, process_id dead) const noexcept {
        const process_id owner = blocks_.owner(offset);
        holder_word h = held_by(dead);
        blocks_.holder(offset).compare_exchange_strong(h, held_by(owner));
    }

private:
    Blocks blocks_;
    process_id self_;
};

}  // namespace cadre::detail::shm
