/// @file
/// The ring of requests to one worker: the worker claims a slot before it reads it, the parent may take it back until then.
///
/// The parent publishes position p by storing (p, queued). The worker turns it to (p, claimed) or the parent to
/// (p, revoked), each by one compare-and-swap, so exactly one of them has the call. The worker passes over revoked slots
/// and counts in `consumed` the positions whose payload it needs no more; only those are used again.
#pragma once

#include "process/plane/block_allocator.hpp"
#include "process/plane/message.hpp"

#include <array>

namespace cadre::detail::process_plane {

inline constexpr std::size_t request_slots = 1024;

/// The parent's end.
class request_writer {
public:
    request_writer(slot* slots, const std::atomic<std::uint64_t>& consumed, block_allocator& area) noexcept
        : slots_(slots), consumed_(&consumed), area_(&area) {}

    [[nodiscard]] bool has_room() noexcept {
        if (head_ - seen_ < request_slots && externals_ == 0) return true;
        refresh();
        return head_ - seen_ < request_slots;
    }

    /// Needs `has_room()`. @return the position
    std::uint64_t publish(const request& r, block body) noexcept {
        slot& to = slots_[head_ % request_slots];
        blocks_[head_ % request_slots] = body;
        if (body.size != 0) ++externals_;
        write_payload(to, r);
        to.word.store(slot_word(head_, slot_state::queued), std::memory_order_release);
        return head_++;
    }

    /// Takes the call at `position` back. @return false if the worker has claimed it
    [[nodiscard]] bool revoke(std::uint64_t position) noexcept {
        std::uint64_t expected = slot_word(position, slot_state::queued);
        return slots_[position % request_slots].word.compare_exchange_strong(
            expected, slot_word(position, slot_state::revoked), std::memory_order_acq_rel);
    }

    /// Whether the worker has taken the call at `position`, which was published and not revoked.
    [[nodiscard]] bool claimed(std::uint64_t position) const noexcept {
        if (position < seen_) return true;
        return slots_[position % request_slots].word.load(std::memory_order_acquire) !=
               slot_word(position, slot_state::queued);
    }

    /// Positions that the worker has not passed, after a look.
    [[nodiscard]] std::uint64_t queued() noexcept {
        refresh();
        return head_ - seen_;
    }
    [[nodiscard]] std::uint64_t passed() const noexcept { return seen_; }

private:
    void refresh() noexcept {
        const std::uint64_t now = consumed_->load(std::memory_order_acquire);
        if (now > head_ || now < seen_) return;  // a lie: ignored, at worst its calls wait until the worker is replaced
        if (externals_ == 0) {
            seen_ = now;
            return;
        }
        for (; seen_ != now; ++seen_) {
            block& b = blocks_[seen_ % request_slots];
            if (b.size != 0) {
                area_->release(b);
                b = {};
                --externals_;
            }
        }
    }

    slot* slots_;
    const std::atomic<std::uint64_t>* consumed_;
    block_allocator* area_;
    std::uint64_t head_ = 0;
    std::uint64_t seen_ = 0;
    std::size_t externals_ = 0;
    std::array<block, request_slots> blocks_{};
};

/// The worker's end.
class request_reader {
public:
    request_reader(slot* slots, std::atomic<std::uint64_t>& consumed) noexcept : slots_(slots), consumed_(&consumed) {}

    /// Whether there may be something to claim.
    [[nodiscard]] bool ready() const noexcept {
        return slot_position(word()) == next_ && slot_state_of(word()) != slot_state::empty;
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
