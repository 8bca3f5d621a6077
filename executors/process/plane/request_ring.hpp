/// @file
/// The ring of requests to one worker: the worker claims a slot before it reads the request; until then the parent can
/// revoke it. The word of a slot is (position, state):
///
/// | from | to | by | order |
/// | --- | --- | --- | --- |
/// | an earlier lap | (p, queued) | parent, when p - slots is consumed | release: publishes the payload |
/// | (p, queued) | (p, claimed) | worker, compare-and-swap | acq_rel: the payload is read after it |
/// | (p, queued) | (p, revoked) | parent, compare-and-swap | acq_rel |
///
/// Exactly one of the last two succeeds, so exactly one side has the call. The worker passes over revoked slots and
/// stores in `consumed`, with release, the number of positions whose payload it no longer needs.
#pragma once

#include "process/plane/ring_writer.hpp"

#include <cadre/detail/base/compiler.hpp>

namespace cadre::detail::process_plane {

inline constexpr std::size_t request_slots = 1024;

/// The parent's end.
class request_writer : public ring_writer<request_slots> {
public:
    request_writer(slot* slots, const std::atomic<std::uint64_t>& consumed, block_allocator& area) noexcept
        : ring_writer(slots, consumed, area) {}

    /// Needs `has_room()`. A block of the body is the caller's: the worker reads it until the call has ended. @return
    /// the position
    std::uint64_t publish(const request& r) noexcept { return publish_message(r, {}); }

    /// Takes the call at `position` back. @return false if the worker has claimed it
    [[nodiscard]] bool revoke(std::uint64_t position) noexcept {
        std::uint64_t expected = slot_word(position, slot_state::queued);
        return at(position).word.compare_exchange_strong(expected, slot_word(position, slot_state::revoked),
                                                         std::memory_order_acq_rel);
    }

    /// Whether the worker has claimed the call at `position`, which was published and not revoked.
    [[nodiscard]] bool claimed(std::uint64_t position) const noexcept {
        if (position < seen()) return true;
        return at(position).word.load(std::memory_order_acquire) != slot_word(position, slot_state::queued);
    }

    /// Positions that the worker has not passed.
    [[nodiscard]] std::uint64_t queued() noexcept {
        refresh();
        return published() - seen();
    }
    /// Positions that the worker had passed at the last `queued` or `has_room`.
    [[nodiscard]] std::uint64_t passed() const noexcept { return seen(); }
};

/// The worker's end.
class request_reader {
public:
    request_reader(slot* slots, std::atomic<std::uint64_t>& consumed) noexcept : slots_(slots), consumed_(&consumed) {}

    /// Whether a request may be there to claim.
    [[nodiscard]] bool ready() const noexcept {
        prefetch_for_writing(&slots_[next_ % request_slots]);  // a load alone would fetch the line twice
        const std::uint64_t now = word();
        return slot_position(now) == next_ && slot_state_of(now) != slot_state::empty;
    }

    /// Claims the next call and copies it. Its body may be read until `consume`.
    [[nodiscard]] bool claim(request& into) noexcept {
        for (;;) {
            std::uint64_t expected = slot_word(next_, slot_state::queued);
            slot& s = slots_[next_ % request_slots];
            const std::uint64_t found = s.word.load(std::memory_order_acquire);
            if (found == expected && s.word.compare_exchange_strong(expected, slot_word(next_, slot_state::claimed),
                                                                    std::memory_order_acq_rel)) {
                read_payload(s, into);
                return true;
            }
            if (s.word.load(std::memory_order_acquire) != slot_word(next_, slot_state::revoked)) return false;
            consume();
        }
    }
    void consume() noexcept { consumed_->store(++next_, std::memory_order_release); }
    [[nodiscard]] std::uint64_t position() const noexcept { return next_; }

private:
    [[nodiscard]] std::uint64_t word() const noexcept {
        return slots_[next_ % request_slots].word.load(std::memory_order_acquire);
    }

    slot* slots_;
    std::atomic<std::uint64_t>* consumed_;
    std::uint64_t next_ = 0;
};

}  // namespace cadre::detail::process_plane
