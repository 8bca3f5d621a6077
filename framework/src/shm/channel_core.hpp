/// @file
/// A bounded queue of messages on shared memory that survives the death of any process at any instruction.
///
/// A ring of cells. A cell's word is (position, process, phase); its life at position p of the stream of messages:
///
///     free(p) → writing(p, sender) → full(p) → taking(p, receiver) → free(p + cells)
///
/// Every claim is one compare-and-swap that names the claimant. Any process advances the indices: past a claimed cell
/// at the tail, past a taken cell at the head. So no process waits for a dead one to do it. The tail word's lowest bit
/// is the close mark: a message counts if the tail passes its position with the mark clear.
///
/// Only the last store, `free(p + cells)`, consumes. If a receiver dies before it, the supervisor marks the cell
/// `returned`; a receiver without memory for the message does the same. Receivers look for returned cells first, so a
/// returned message may be overtaken by later ones of its sender. If a sender dies before `full`, the supervisor marks
/// the cell `skipped`. The state tables are in channel_layout.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <cadre/detail/base/byte_buffer.hpp>
#include <cadre/detail/base/fence.hpp>
#include <cadre/detail/state/memory_domain.hpp>

#include "shm/channel_payload.hpp"

namespace cadre::detail::shm {

template <class Probe = no_probe, class Blocks = region_blocks>
class channel_core {
    using words = basic_channel_words<typename Blocks::word_type>;
    using header = typename words::header_type;
    using cell = typename words::cell_type;
    using payload = channel_payload<Blocks>;

public:
    /// `data` has `channel_words::bytes(cells)` bytes, aligned to 64. Claims name `self`.
    channel_core(Blocks blocks, std::byte* data, std::uint64_t cells, process_id self) noexcept
        : words_(data, cells), header_(words_.header()), payload_(blocks, self), self_(self) {}

    /// Sends bytes that fit into a cell. `carries`: the message ends with the names of the handles in it.
    [[nodiscard]] op_status send(std::span<const std::byte> message, bool carries = false) noexcept {
        return put_one([&](cell& c, unsigned) {
            c.length.store(message.size() | payload::carries_mark(carries), std::memory_order_relaxed);
            if (!message.empty()) std::memcpy(c.bytes, message.data(), message.size());
        });
    }
    /// Sends a block held by this process; its header has the length of the message.
    [[nodiscard]] op_status send_block(std::uint64_t offset, bool carries = false) noexcept {
        return put_one([&](cell& c, unsigned) {
            c.length.store(offset | cell::in_block | payload::carries_mark(carries), std::memory_order_relaxed);
        });
    }
    /// Sends up to `count` messages without handles, in order: equivalent to sending each message separately, except
    /// for a concurrent close. `write(c, i)` puts the i-th message into its cell. @return as `send`; `sent` is set if
    /// the result is `done`
    template <class Write>
    [[nodiscard]] op_status send_run(unsigned count, Write write, unsigned& sent) noexcept {
        return put(count, write, sent);
    }
    /// `done` if `send` could succeed now, `would_block` if the queue is full, `closed`.
    [[nodiscard]] op_status may_send() const noexcept {
        const std::uint64_t t = header_.tail.load();
        if ((t & 1) != 0) return op_status::closed;
        const cell_word s{at(t >> 1).state.load()};
        return s.is_before(t >> 1) ? op_status::would_block : op_status::done;
    }
    /// Whether `receive` would not block now.
    [[nodiscard]] bool may_receive() const noexcept {
        if (header_.returned.load() != header_.returned_seen.load()) return true;
        const std::uint64_t h = header_.head.load();
        const cell_word s{at(h).state.load()};
        if (s.is_at(h) && s.phase() == cell_phase::full) return true;
        const std::uint64_t t = header_.tail.load();
        if (h >= t >> 1) return (t & 1) != 0;
        const cell_word now{at(h).state.load()};
        return !now.is_at(h) || now.phase() != cell_phase::writing;
    }

    struct keep_nothing {
        void operator()() const noexcept {}
    };
    /// `skipped` counts cells that became free without a message. If the message in `into` carries handles, `keep()` is
    /// called before the message is consumed; it may throw. `Into` is a byte_buffer, to which the bytes are copied, or
    /// has the member `adopt(offset, bytes)` also: it gets the block of the message, which this process holds then.
    /// `in_stream`: later messages are probably there; else a prefetch would take their cells away from the sender.
    template <class Into, class Keep = keep_nothing>
    [[nodiscard]] op_status receive(Into& into, unsigned& skipped, Keep keep = {}, bool in_stream = false) noexcept {
        if (header_.returned.load() != header_.returned_seen.load()) {
            const op_status a = receive_returned(into, keep);
            if (a != op_status::would_block) return a;
        }
        for (unsigned tries = 0; tries != max_retries; ++tries) {
            Probe::at(step::retry);
            std::uint64_t h = header_.head.load();
            cell& c = at(h);
            if (in_stream) words_.prefetch_after(c);
            cell_word s{c.state.load()};
            // A full cell is below the tail, so the tail, which senders keep writing, need not be read.
            if (s.raw == cell_word::make(h, cell_phase::full).raw) {
                if (!c.state.compare_exchange_strong(s.raw, cell_word::make(h, cell_phase::taking, self_.slot).raw))
                    continue;
                Probe::at(step::receive_claimed);
                std::uint64_t passed = h;
                header_.head.compare_exchange_strong(passed, h + 1);
                Probe::at(step::receive_counted);
                return take(c, h, into, keep);
            }
            const std::uint64_t t = header_.tail.load();
            if (h >= t >> 1) {
                if (header_.head.load() != h) continue;
                if (h > t >> 1) return op_status::broken;
                if ((t & 1) == 0) return op_status::would_block;
                return drained(t >> 1) ? op_status::closed : op_status::would_block;
            }
            s.raw = c.state.load();
            if (!s.is_at(h)) {
                // A later lap: the head lags behind and is advanced. An earlier lap is impossible unless the head has
                // moved.
                if (s.is_before(h) && header_.head.load() == h) return op_status::broken;
                header_.head.compare_exchange_strong(h, h + 1);
                continue;
            }
            switch (s.phase()) {
                case cell_phase::full: continue;
                case cell_phase::skipped:
                    if (c.state.compare_exchange_strong(s.raw,
                                                        cell_word::make(h + words_.count(), cell_phase::free).raw))
                        ++skipped;
                    [[fallthrough]];
                case cell_phase::taking:
                case cell_phase::returned: header_.head.compare_exchange_strong(h, h + 1); continue;
                case cell_phase::writing: return op_status::would_block;  // its sender rings when the cell is full
                case cell_phase::free: break;
            }
            // The cell was claimed before the tail passed it, so it cannot be free; and there are no other phases.
            if (header_.head.load() == h) return op_status::broken;
        }
        return op_status::broken;
    }

    /// Receives up to `count` messages that follow each other at the head, if `fits(length)` of their cells;
    /// `copy(c, i)` copies the i-th one. @return how many; if none, `receive` knows why
    template <class Fits, class Copy>
    [[nodiscard]] unsigned receive_run(unsigned count, Fits fits, Copy copy) noexcept {
        if (header_.returned.load() != header_.returned_seen.load()) return 0;
        const std::uint64_t h = header_.head.load();
        std::uint64_t end = h;
        while (end - h != count && claim_to_take(end, fits))
            ++end;
        if (end == h) return 0;
        Probe::at(step::receive_claimed);
        std::uint64_t passed = h;
        // Each failure means that others have passed a cell.
        for (std::uint64_t tries = 0; tries != end - h && passed < end; ++tries)
            if (header_.head.compare_exchange_strong(passed, end)) break;
        Probe::at(step::receive_counted);
        const auto n = static_cast<unsigned>(end - h);
        for (unsigned i = 0; i != n; ++i) {
            copy(at(h + i), i);
            Probe::at(step::receive_copied);
            const std::uint64_t freed = cell_word::make(h + i + words_.count(), cell_phase::free).raw;
            if (i + 1 != n)
                at(h + i).state.store(freed, std::memory_order_release);
            else
                at(h + i).state.exchange(freed);
            Probe::at(step::receive_consumed);
        }
        if (n > 1) full_fence();  // for the cells that were only stored: as in put
        return n;
    }

    /// A death between the two stores leaves receivers that ring each other spuriously. In the other order some
    /// receivers would wait indefinitely.
    void close() noexcept {
        header_.closing.store(1);
        Probe::at(step::close_announced);
        header_.tail.fetch_or(1);
    }
    /// Whether receivers must notify each other of the end. Does not read the tail.
    [[nodiscard]] bool closing() const noexcept { return header_.closing.load() != 0; }
    [[nodiscard]] bool closed() const noexcept { return (header_.tail.load() & 1) != 0; }
    [[nodiscard]] std::uint64_t size() const noexcept {
        const std::uint64_t h = header_.head.load();
        const std::uint64_t t = header_.tail.load() >> 1;
        return t <= h ? 0 : t - h < words_.count() ? t - h : words_.count();
    }

private:
    // A bound on every loop, far beyond what others' progress can cause: shared words may hold anything.
    static constexpr unsigned max_retries = 1u << 22;

    [[nodiscard]] cell& at(std::uint64_t position) const noexcept { return words_.at(position); }

    template <class Write>
    op_status put_one(Write write) noexcept {
        unsigned sent = 0;
        return put(1, write, sent);
    }

    /// Claims up to `count` cells, which follow each other, then counts them, then fills them in order. `sent`: how
    /// many.
    template <class Write>
    op_status put(unsigned count, Write write, unsigned& sent) noexcept {
        for (unsigned tries = 0; tries != max_retries; ++tries) {
            Probe::at(step::retry);
            std::uint64_t t = header_.tail.load();
            if ((t & 1) != 0) return op_status::closed;
            const std::uint64_t p = t >> 1;
            cell& c = at(p);
            words_.prefetch_after(c);
            cell_word s{c.state.load()};
            if (!s.is_at(p)) {
                // An earlier lap still has the cell: the queue is full, if the tail was really there. A later lap: the
                // tail has moved.
                if (header_.tail.load() != t) continue;
                return s.is_before(p) ? op_status::would_block : op_status::broken;
            }
            if (s.phase() != cell_phase::free) {
                header_.tail.compare_exchange_strong(t, t + 2);
                continue;
            }
            const std::uint64_t mine = cell_word::make(p, cell_phase::writing, self_.slot).raw;
            if (!c.state.compare_exchange_strong(s.raw, mine)) continue;
            std::uint64_t end = p + 1;
            while (end - p != count && claim_to_write(end))
                ++end;
            Probe::at(step::send_claimed);
            end = advance_tail(t, p, end);
            if (end == p) return op_status::closed;
            Probe::at(step::send_counted);
            sent = static_cast<unsigned>(end - p);
            for (unsigned i = 0; i + 1 < sent; ++i) {
                write(at(p + i), i);
                Probe::at(step::send_written);
                at(p + i).state.store(cell_word::make(p + i, cell_phase::full).raw, std::memory_order_release);
            }
            write(at(end - 1), sent - 1);
            Probe::at(step::send_written);
            // An exchange, because the sender next reads which receivers wait: its full fence pairs with that of a
            // receiver which publishes its interest and then reads the cell again.
            at(end - 1).state.exchange(cell_word::make(end - 1, cell_phase::full).raw);
            if (sent > 1) full_fence();  // for the cells that were only stored
            Probe::at(step::send_published);
            return op_status::done;
        }
        return op_status::broken;
    }
    [[nodiscard]] bool claim_to_write(std::uint64_t position) noexcept {
        cell& c = at(position);
        std::uint64_t s = c.state.load();
        return s == cell_word::make(position, cell_phase::free).raw &&
               c.state.compare_exchange_strong(s, cell_word::make(position, cell_phase::writing, self_.slot).raw);
    }
    /// Advances the tail, last read as `t`, past the cells [from, end), which this process has claimed; others may have
    /// passed some. @return the end of those that count; the others are free again
    [[nodiscard]] std::uint64_t advance_tail(std::uint64_t t, std::uint64_t from, std::uint64_t end) noexcept {
        // Each failure means that others have passed a cell or have closed the channel.
        for (std::uint64_t tries = 0; tries <= end - from; ++tries) {
            if (header_.tail.compare_exchange_strong(t, end << 1) || t >> 1 >= end) break;
            if ((t & 1) == 0) continue;
            // Closed before the tail passed: no receiver waits for these cells.
            for (; end > from && end > t >> 1; --end)
                at(end - 1).state.store(cell_word::make(end - 1, cell_phase::free).raw);
            break;
        }
        return end;
    }

    template <class Fits>
    [[nodiscard]] bool claim_to_take(std::uint64_t position, Fits& fits) noexcept {
        cell& c = at(position);
        std::uint64_t s = c.state.load();
        return s == cell_word::make(position, cell_phase::full).raw && fits(c.length.load(std::memory_order_relaxed)) &&
               c.state.compare_exchange_strong(s, cell_word::make(position, cell_phase::taking, self_.slot).raw);
    }

    /// The cell is `taking(self)`.
    template <class Into, class Keep>
    op_status take(cell& c, std::uint64_t position, Into& into, Keep& keep) noexcept {
        const std::uint64_t length = c.length.load(std::memory_order_relaxed);
        const bool carries = payload::carries(length);
        try {
            if (!payload::in_block(length)) {
                const std::uint64_t size = payload::size_in_cell(length);
                if (size > cell::room) return discard_invalid(c, position);
                into.resize_uninitialized(size);
                std::memcpy(into.data(), c.bytes, size);
                if (carries) keep();
                Probe::at(step::receive_copied);
                consume(c, position);
                return op_status::done;
            }
            const block_location b = payload_.block_of(length);
            if (b.offset == 0) return discard_invalid(c, position);
            const std::span<const std::byte> message = payload_.bytes_in(b);
            if (message.data() == nullptr) return discard_invalid(c, position);
            constexpr bool adopts = requires { into.adopt(b.offset, message.size()); };
            if constexpr (!adopts) into.resize_uninitialized(message.size());
            if (!payload_.claim(b.offset)) return discard_invalid(c, position);
            Probe::at(step::receive_block_taken);
            if constexpr (adopts) {
                consume(c, position);
                into.adopt(b.offset, message.size());
                return op_status::done;
            }
            std::memcpy(into.data(), message.data(), message.size());
            if (carries) keep();
            Probe::at(step::receive_copied);
            consume(c, position);
            payload_.release(b.offset);
            return op_status::done;
        } catch (...) {  // no private memory for the message: it stays in the queue
            c.state.store(cell_word::make(position, cell_phase::returned, self_.slot).raw);
            Probe::at(step::receive_declined);
            header_.returned.fetch_add(1);
            return op_status::exhausted;
        }
    }

    template <class Into, class Keep>
    op_status receive_returned(Into& into, Keep& keep) noexcept {
        const std::uint64_t known = header_.returned.load();
        // A search whose claim fails means that another receiver has taken a cell.
        for (std::uint64_t tries = 0; tries <= max_retries / words_.count() + 64; ++tries) {
            Probe::at(step::retry_search);
            cell* first = nullptr;
            cell_word found{};
            for (cell& c : words_) {
                const cell_word s{c.state.load()};
                if (s.phase() == cell_phase::returned && (first == nullptr || s.is_before(found.position()))) {
                    first = &c;
                    found = s;
                }
            }
            if (first == nullptr) {
                std::uint64_t seen = header_.returned_seen.load();
                while (seen < known && !header_.returned_seen.compare_exchange_weak(seen, known)) {
                }
                return op_status::would_block;
            }
            const std::uint64_t mine = cell_word::make(found.position(), cell_phase::taking, self_.slot).raw;
            if (first->state.compare_exchange_strong(found.raw, mine))
                return take(*first, found.position(), into, keep);
        }
        return op_status::broken;
    }

    void consume(cell& c, std::uint64_t position) noexcept {
        c.state.exchange(cell_word::make(position + words_.count(), cell_phase::free).raw);  // a fence, as in put
        Probe::at(step::receive_consumed);
    }
    /// The message is invalid: its sender broke the protocol. It is consumed, so that it does not block the queue.
    op_status discard_invalid(cell& c, std::uint64_t position) noexcept {
        consume(c, position);
        return op_status::broken;
    }
    /// Whether the channel, which is closed and whose head has met the tail, is empty for good. A message that is being
    /// taken would be returned if its receiver died, so this waits until every cell is free.
    [[nodiscard]] bool drained(std::uint64_t end) noexcept {
        if (header_.drained.load() != 0) return true;
        if (header_.returned.load() != header_.returned_seen.load()) return false;
        for (const cell& c : words_) {
            const cell_word s{c.state.load()};
            const cell_phase p = s.phase();
            if (s.is_before(end) && p != cell_phase::free && p != cell_phase::skipped) return false;
        }
        header_.drained.store(1);
        return true;
    }

    words words_;
    header& header_;
    payload payload_;
    process_id self_;
};

}  // namespace cadre::detail::shm
