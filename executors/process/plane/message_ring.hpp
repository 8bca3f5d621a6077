/// @file
/// A ring of events from one process to another, with one writer and one reader.
#pragma once

#include "process/plane/ring_writer.hpp"

namespace cadre::detail::process_plane {

/// The writer's end. The reader never writes slots.
template <std::size_t Slots>
class event_writer : public ring_writer<Slots> {
public:
    event_writer(slot* slots, const std::atomic<std::uint64_t>& consumed, block_allocator& area) noexcept
        : ring_writer<Slots>(slots, consumed, area) {}

    /// Needs `has_room()`. `body` is the block that `e` refers to, or empty.
    void push(const event& e, block body = {}) noexcept { (void)this->publish_message(e, body); }
    [[nodiscard]] std::uint64_t sent() const noexcept { return this->published(); }
    /// Whether the reader has consumed everything.
    [[nodiscard]] bool all_read() const noexcept { return this->load_consumed() == this->published(); }
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
