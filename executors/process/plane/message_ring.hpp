/// @file
/// A ring of events from one process to another, with one writer and one reader.
#pragma once

#include "process/plane/ring_writer.hpp"

#include <cadre/detail/base/compiler.hpp>

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
        const std::uint64_t next = position();
        return slots_[next % Slots].word.load(std::memory_order_acquire) == slot_word(next, slot_state::queued);
    }
    /// Any thread: false if no event is there, or another thread is about to read what there is. It may read an old
    /// position, whose slot holds the event that was read, or one of a later lap.
    [[nodiscard]] bool maybe_ready() const noexcept {
        const std::uint64_t next = position();
        return slots_[next % Slots].word.load(std::memory_order_acquire) >= slot_word(next, slot_state::queued);
    }
    /// Copies the next event, if there is one; it stays in the ring until `advance`, so that its body can be read.
    [[nodiscard]] bool peek(event& into) const noexcept {
        if (!ready()) return false;
        prefetch_for_writing(consumed_);  // the writer may have loaded it
        read_payload(slots_[position() % Slots], into);
        return true;
    }
    void advance() noexcept {
        const std::uint64_t next = position() + 1;
        next_.store(next, std::memory_order_relaxed);
        consumed_->store(next, std::memory_order_release);
    }
    [[nodiscard]] std::uint64_t position() const noexcept { return next_.load(std::memory_order_relaxed); }

private:
    const slot* slots_;
    std::atomic<std::uint64_t>* consumed_;
    std::atomic<std::uint64_t> next_{0};  // changed by the reader
};

}  // namespace cadre::detail::process_plane
