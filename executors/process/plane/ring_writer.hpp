/// @file
/// The writer's end of a ring of slots, and the blocks of the bodies that are in flight.
#pragma once

#include "process/plane/block_allocator.hpp"
#include "process/plane/message.hpp"
#include "process/plane/slot.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace cadre::detail::process_plane {

/// Publishes messages at consecutive positions. The reader stores in `consumed` how many positions it has passed: their
/// slots are used again and the blocks of their bodies released. Base of the writers of both kinds of rings.
template <std::size_t Slots>
class ring_writer {
public:
    /// Whether one more message can be published now. Releases the blocks of bodies that were read.
    [[nodiscard]] bool has_room() noexcept {
        if (head_ - seen_ < Slots && externals_ == 0) return true;
        refresh();
        return head_ - seen_ < Slots;
    }

protected:
    ring_writer(slot* slots, const std::atomic<std::uint64_t>& consumed, block_allocator& area) noexcept
        : slots_(slots), consumed_(&consumed), area_(&area) {}

    /// Needs `has_room()`. `body` is the block that `message` refers to, or empty. @return the position
    template <class Message>
    std::uint64_t publish_message(const Message& message, block body) noexcept {
        slot& to = at(head_);
        blocks_[head_ % Slots] = body;
        if (body.size != 0) ++externals_;
        write_payload(to, message);
        to.word.store(slot_word(head_, slot_state::queued), std::memory_order_release);
        return head_++;
    }

    void refresh() noexcept {
        const std::uint64_t now = load_consumed();
        // A count that is impossible is ignored: its messages wait, and the reader harms only itself.
        if (now > head_ || now < seen_) return;
        if (externals_ == 0) {
            seen_ = now;
            return;
        }
        for (; seen_ != now; ++seen_) {
            block& b = blocks_[seen_ % Slots];
            if (b.size != 0) {
                area_->release(b);
                b = {};
                --externals_;
            }
        }
    }

    [[nodiscard]] slot& at(std::uint64_t position) const noexcept { return slots_[position % Slots]; }
    [[nodiscard]] std::uint64_t load_consumed() const noexcept { return consumed_->load(std::memory_order_acquire); }
    /// Messages published so far.
    [[nodiscard]] std::uint64_t published() const noexcept { return head_; }
    /// Positions that the reader had passed at the last `refresh`.
    [[nodiscard]] std::uint64_t seen() const noexcept { return seen_; }

private:
    slot* slots_;
    const std::atomic<std::uint64_t>* consumed_;
    block_allocator* area_;
    std::uint64_t head_ = 0;
    std::uint64_t seen_ = 0;
    std::size_t externals_ = 0;  // blocks in flight
    std::array<block, Slots> blocks_{};
};

}  // namespace cadre::detail::process_plane
