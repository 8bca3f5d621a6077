/// @file
/// A ring of events from one process to another: one writer, one reader, each with its own word in shared memory.
#pragma once

#include "process/plane/block_allocator.hpp"
#include "process/plane/message.hpp"

#include <array>

namespace cadre::detail::process_plane {

/// The writer's end. A published slot's word is its position with state `queued`; the reader never writes slots, it
/// counts in `consumed` what it has taken, which is also when the writer may reuse the block of a body.
template <std::size_t Slots>
class event_writer {
public:
    event_writer(slot* slots, std::atomic<std::uint64_t>& consumed, block_allocator& area) noexcept
        : slots_(slots), consumed_(&consumed), area_(&area) {}

    /// Whether one more event can be pushed now; gives back the blocks of bodies that were read.
    [[nodiscard]] bool has_room() noexcept {
        if (head_ - seen_ < Slots && externals_ == 0) return true;
        refresh();
        return head_ - seen_ < Slots;
    }

    /// Needs `has_room()`. `body` is the block that `e` refers to, or empty.
    void push(const event& e, block body = {}) noexcept {
        slot& to = slots_[head_ % Slots];
        blocks_[head_ % Slots] = body;
        if (body.size != 0) ++externals_;
        write_payload(to, e);
        to.word.store(slot_word(head_, slot_state::queued), std::memory_order_release);
        ++head_;
    }

    [[nodiscard]] std::uint64_t sent() const noexcept { return head_; }
    /// Whether the reader has taken everything.
    [[nodiscard]] bool all_read() noexcept { return consumed_->load(std::memory_order_acquire) == head_; }

private:
    void refresh() noexcept {
        const std::uint64_t now = consumed_->load(std::memory_order_acquire);
        // The reader may lie: then it harms only what it reads itself, as long as positions stay within what was sent.
        if (now > head_ || now < seen_) return;
        for (; seen_ != now; ++seen_) {
            block& b = blocks_[seen_ % Slots];
            if (b.size != 0) {
                area_->release(b);
                b = {};
                --externals_;
            }
        }
    }

    slot* slots_;
    std::atomic<std::uint64_t>* consumed_;
    block_allocator* area_;
    std::uint64_t head_ = 0;
    std::uint64_t seen_ = 0;
    std::size_t externals_ = 0;
    std::array<block, Slots> blocks_{};
};

/// The reader's end.
template <std::size_t Slots>
class event_reader {
public:
    event_reader(const slot* slots, std::atomic<std::uint64_t>& consumed) noexcept
        : slots_(slots), consumed_(&consumed) {}

    [[nodiscard]] bool ready() const noexcept {
        return slots_[next_ % Slots].word.load(std::memory_order_acquire) == slot_word(next_, slot_state::queued);
    }
    /// Copies the next event, if there is one; it stays in the ring until `advance`, so that its body can be read.
    [[nodiscard]] bool peek(event& into) const noexcept {
        if (!ready()) return false;
        read_payload(slots_[next_ % Slots], into);
        return true;
    }
    void advance() noexcept { consumed_->store(++next_, std::memory_order_release); }
    [[nodiscard]] std::uint64_t position() const noexcept { return next_; }

private:
    const slot* slots_;
    std::atomic<std::uint64_t>* consumed_;
    std::uint64_t next_ = 0;
};

}  // namespace cadre::detail::process_plane
