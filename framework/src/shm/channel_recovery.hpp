/// @file
/// A channel whose processes have died or left: recovery, walks over queued messages, and the end of the channel.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shm/channel_payload.hpp"

namespace cadre::detail::shm {

/// Used by the supervisor and by the last user of a channel. Other processes may send and receive meanwhile.
template <class Blocks = region_blocks>
class channel_recovery {
    using words = basic_channel_words<typename Blocks::word_type>;
    using cell = typename words::cell_type;
    using payload = channel_payload<Blocks>;

public:
    /// `data` has `channel_words::bytes(cells)` bytes, aligned to 64.
    channel_recovery(Blocks blocks, std::byte* data, std::uint64_t cells, process_id self) noexcept
        : words_(data, cells), payload_(blocks, self), self_(self) {}

    /// Supervisor: completes or reverts what a dead process had claimed. May be repeated.
    void recover(process_id dead) noexcept {
        for (cell& c : words_) {
            cell_word s{c.state.load()};
            if (s.slot() != dead.slot) continue;
            const std::uint64_t position = s.position();
            if (s.phase() == cell_phase::writing) {
                c.state.compare_exchange_strong(s.raw, cell_word::make(position, cell_phase::skipped).raw);
            } else if (s.phase() == cell_phase::taking) {
                std::uint64_t head = words_.header().head.load();
                if (s.is_at(head)) words_.header().head.compare_exchange_strong(head, head + 1);
                if (const block_location b = payload_.block_of(c.length.load(std::memory_order_relaxed)); b.offset != 0)
                    payload_.return_to_owner(b.offset, dead);
                c.state.compare_exchange_strong(s.raw, cell_word::make(position, cell_phase::returned).raw);
                words_.header().returned.fetch_add(1);
            } else if (s.phase() == cell_phase::returned) {
                // The process may have died after it returned the cell and before it counted it.
                words_.header().returned.fetch_add(1);
            }
        }
    }

    /// Calls `f(offset)` for every block that holds a message.
    template <class F>
    void for_each_block(F f) const {
        for_each_message([&](const cell&, std::uint64_t length) {
            if (const block_location b = payload_.block_of(length); b.offset != 0) f(b.offset);
        });
    }
    /// Calls `f(bytes)` for every message that carries handles. The bytes of a message that is received at the same
    /// time are meaningless.
    template <class F>
    void for_each_carrier(F f) const {
        for_each_message([&](const cell& c, std::uint64_t length) {
            if (payload::carries(length)) f(payload_.message_in(c, length));
        });
    }

    /// Discards all messages; no other process uses the channel any more. Calls `f(bytes)` first for each message that
    /// carries handles.
    template <class F>
    void clear(F f) noexcept {
        for (cell& c : words_) {
            cell_word s{c.state.load()};
            if (s.phase() != cell_phase::full && s.phase() != cell_phase::returned) continue;
            const std::uint64_t mine = cell_word::make(s.position(), cell_phase::taking, self_.slot).raw;
            if (c.state.compare_exchange_strong(s.raw, mine)) discard(c, s.position(), f);
        }
    }

private:
    template <class F>
    void for_each_message(F f) const {
        for (const cell& c : words_)
            if (cell_word{c.state.load()}.has_message()) f(c, c.length.load(std::memory_order_relaxed));
    }

    /// The cell is `taking(self)`.
    template <class F>
    void discard(cell& c, std::uint64_t position, F& f) noexcept {
        const std::uint64_t length = c.length.load(std::memory_order_relaxed);
        const block_location b = payload_.block_of(length);
        const bool mine = b.offset != 0 && payload_.claim(b.offset);
        if (payload::carries(length)) f(payload_.message_in(c, length));
        c.state.exchange(cell_word::make(position + words_.count(), cell_phase::free).raw);
        if (mine) payload_.release(b.offset);
    }

    words words_;
    payload payload_;
    process_id self_;
};

}  // namespace cadre::detail::shm
