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
        return put([&](cell& c) {
            c.length.store(message.size() | payload::carries_mark(carries), std::memory_order_relaxed);
            if (!message.empty()) std::memcpy(c.bytes, message.data(), message.size());
        });
    }
    /// Sends a block held by this process; its header has the length of the message.
    [[nodiscard]] op_status send_block(std::uint64_t offset, bool carries = false) noexcept {
        return put([&](cell& c) {
            c.length.store(offset | cell::in_block | payload::carries_mark(carries), std::memory_order_relaxed);
        });
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
    template <class Into, class Keep = keep_nothing>
    [[nodiscard]] op_status receive(Into& into, unsigned& skipped, Keep keep = {}) noexcept {
        if (header_.returned.load() != header_.returned_seen.load()) {
            const op_status a = receive_returned(into, keep);
            if (a != op_status::would_block) return a;
        }
        for (unsigned tries = 0; tries != max_retries; ++tries) {
            Probe::at(step::retry);
            std::uint64_t h = header_.head.load();
            cell& c = at(h);
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

    /// A death between the two stores leaves receivers that ring each other spuriously. In the other order some
    /// receivers would wait for ever.
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
    op_status put(Write write) noexcept {
        for (unsigned tries = 0; tries != max_retries; ++tries) {
            Probe::at(step::retry);
            std::uint64_t t = header_.tail.load();
            if ((t & 1) != 0) return op_status::closed;
            const std::uint64_t p = t >> 1;
            cell& c = at(p);
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
            Probe::at(step::send_claimed);
            if (!header_.tail.compare_exchange_strong(t, t + 2) && t >> 1 <= p) {
                // Closed before the tail passed: no receiver waits for this cell.
                c.state.store(cell_word::make(p, cell_phase::free).raw);
                return op_status::closed;
            }
            Probe::at(step::send_counted);
            write(c);
            Probe::at(step::send_written);
            // An exchange, because the sender next reads which receivers wait: its full fence pairs with that of a
            // receiver which publishes its interest and then reads the cell again.
            c.state.exchange(cell_word::make(p, cell_phase::full).raw);
            Probe::at(step::send_published);
            return op_status::done;
        }
        return op_status::broken;
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
