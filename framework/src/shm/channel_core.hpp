/// @file
/// A bounded queue of messages on shared memory that survives the death of any process at any instruction.
///
/// A ring of cells. A cell's word is (position, process, phase); its life at position p of the stream of messages:
///
///     free(p) → writing(p, sender) → full(p) → taking(p, receiver) → free(p + cells)
///
/// Every claim is one CAS that names the claimant. The indices are only helped along: whoever finds the cell at the tail
/// claimed, or the cell at the head taken, moves the index on, so nobody waits for a dead process to do it. The tail word's
/// lowest bit is the close mark: a message counts if the tail passes its position with the mark clear.
///
/// Only the last store consumes: `free(p + cells)`. If a receiver dies before it, the supervisor marks the cell `returned`
/// (one without memory for the message does so itself), and receivers look for returned cells first. (That one message may then be overtaken by later ones of its sender.) If a
/// sender dies before `full`, the supervisor marks the cell `skipped`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <cadre/detail/base/byte_buffer.hpp>
#include <cadre/detail/state/memory_domain.hpp>

#include "shm/arena.hpp"
#include "shm/blocks.hpp"

namespace cadre::detail::shm {

struct channel_header {
    alignas(64) word tail;  ///< position << 1 | closed
    alignas(64) word head;
    alignas(64) word returned;  ///< how many cells the supervisor has ever returned
    word returned_seen;  ///< of those, how many are known to be taken
    word closing;  ///< set before the close mark
    word drained;  ///< closed and found empty, once and for all
};

struct channel_cell {
    static constexpr std::size_t room = 48;
    alignas(64) word state;
    word
        length;  ///< of the message in `bytes`; or in_block and the offset of the block that it lies in; and carries_bit
    std::byte bytes[room];
    static constexpr std::uint64_t in_block = 1ull << 63;
    static constexpr std::uint64_t carries_bit = 1ull << 62;  ///< names of handles are at the message's end
};
static_assert(sizeof(channel_cell) == 64);

enum class cell_phase : unsigned { free = 0, writing = 1, full = 2, taking = 3, skipped = 4, returned = 5 };

/// position << 11 | slot << 3 | phase: at 24 million messages a second, positions last 11 years. The slot alone names the
/// claimant, because no slot has a new process before the dead one was buried.
struct cell_word {
    std::uint64_t raw;

    static constexpr cell_word make(std::uint64_t position, cell_phase p, unsigned slot = 0) noexcept {
        return {(position << 11) | (std::uint64_t{slot} << 3) | static_cast<unsigned>(p)};
    }
    [[nodiscard]] constexpr std::uint64_t position() const noexcept { return raw >> 11; }
    [[nodiscard]] constexpr unsigned slot() const noexcept { return static_cast<unsigned>(raw >> 3) & 0xffu; }
    [[nodiscard]] constexpr cell_phase phase() const noexcept { return static_cast<cell_phase>(raw & 7u); }
};

template <class Probe = no_probe>
class channel_core {
public:
    static constexpr std::uint64_t max_cells = 1ull << 30;

    [[nodiscard]] static constexpr std::uint64_t bytes(std::uint64_t cells) noexcept {
        return sizeof(channel_header) + cells * sizeof(channel_cell);
    }
    /// In zeroed memory, before anybody else sees it.
    static void initialise(std::byte* data, std::uint64_t cells) noexcept {
        auto* first = reinterpret_cast<channel_cell*>(data + sizeof(channel_header));
        for (std::uint64_t i = 0; i != cells; ++i)
            first[i].state.store(cell_word::make(i, cell_phase::free).raw, std::memory_order_relaxed);
    }

    /// `data` has `bytes(cells)` bytes, aligned to 64. `self` is who claims.
    channel_core(const region& memory, std::byte* data, std::uint64_t cells, process_id self) noexcept
        : memory_(memory), header_(*reinterpret_cast<channel_header*>(data)),
          cells_(reinterpret_cast<channel_cell*>(data + sizeof(channel_header))), count_(cells),
          mask_((cells & (cells - 1)) == 0 ? cells - 1 : 0), self_(self) {}

    /// Sends bytes that fit into a cell, or a block held by this process, whose header knows the message's length.
    [[nodiscard]] op_status send(std::span<const std::byte> message, bool carries = false) noexcept {
        return put([&](channel_cell& c) {
            c.length.store(message.size() | mark(carries), std::memory_order_relaxed);
            if (!message.empty()) std::memcpy(c.bytes, message.data(), message.size());
        });
    }
    [[nodiscard]] op_status send_block(std::uint64_t offset, bool carries = false) noexcept {
        return put([&](channel_cell& c) {
            c.length.store(offset | channel_cell::in_block | mark(carries), std::memory_order_relaxed);
        });
    }
    /// Whether an attempt to send could succeed now; would_block if the queue is full.
    [[nodiscard]] op_status may_send() const noexcept {
        const std::uint64_t t = header_.tail.load();
        if ((t & 1) != 0) return op_status::closed;
        const cell_word s{at(t >> 1).state.load()};
        return s.position() < (t >> 1) ? op_status::would_block : op_status::done;
    }
    [[nodiscard]] bool may_receive() const noexcept {
        if (header_.returned.load() != header_.returned_seen.load()) return true;
        const std::uint64_t h = header_.head.load();
        const cell_word s{at(h).state.load()};
        if (s.position() == h && s.phase() == cell_phase::full) return true;
        const std::uint64_t t = header_.tail.load();
        if (h >= t >> 1) return (t & 1) != 0;
        const cell_word now{at(h).state.load()};
        return now.position() != h || now.phase() != cell_phase::writing;
    }

    struct keep_nothing {
        void operator()() const noexcept {}
    };
    /// `skipped` counts cells that became free without a message. `keep()` is called with a message in `into` that carries
    /// handles, before it is consumed; may throw.
    template <class Keep = keep_nothing>
    [[nodiscard]] op_status receive(byte_buffer& into, unsigned& skipped, Keep keep = {}) noexcept {
        if (header_.returned.load() != header_.returned_seen.load()) {
            const op_status a = receive_returned(into, keep);
            if (a != op_status::would_block) return a;
        }
        for (unsigned tries = 0; tries != max_retries; ++tries) {
            std::uint64_t h = header_.head.load();
            channel_cell& c = at(h);
            cell_word s{c.state.load()};
            // A full cell was counted, so the tail, which senders keep writing, need not be looked at.
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
            if (s.position() != h) {
                // A later lap: the head lags behind, help it. An earlier one cannot be, unless the head has moved.
                if (s.position() < h && header_.head.load() == h) return op_status::broken;
                header_.head.compare_exchange_strong(h, h + 1);
                continue;
            }
            switch (s.phase()) {
                case cell_phase::full: continue;
                case cell_phase::skipped:
                    if (c.state.compare_exchange_strong(s.raw, cell_word::make(h + count_, cell_phase::free).raw))
                        ++skipped;
                    [[fallthrough]];
                case cell_phase::taking:
                case cell_phase::returned: header_.head.compare_exchange_strong(h, h + 1); continue;
                case cell_phase::writing: return op_status::would_block;  // its sender rings when it is full
                case cell_phase::free: break;
            }
            // Claimed before the tail passed it, so it cannot be free; and there are no other phases.
            if (header_.head.load() == h) return op_status::broken;
        }
        return op_status::broken;
    }

    /// If it dies between the two, takers ring each other in vain; the other way round some would wait for ever.
    void close() noexcept {
        header_.closing.store(1);
        Probe::at(step::close_told);
        header_.tail.fetch_or(1);
    }
    /// Closed, as far as receivers must know to tell each other: without a look at the tail.
    [[nodiscard]] bool closing() const noexcept { return header_.closing.load() != 0; }
    [[nodiscard]] bool closed() const noexcept { return (header_.tail.load() & 1) != 0; }
    [[nodiscard]] std::uint64_t size() const noexcept {
        const std::uint64_t h = header_.head.load();
        const std::uint64_t t = header_.tail.load() >> 1;
        return t <= h ? 0 : t - h < count_ ? t - h : count_;
    }

    /// Supervisor: finishes or undoes what a dead process had claimed.
    void bury(process_id dead) noexcept {
        for (std::uint64_t i = 0; i != count_; ++i) {
            channel_cell& c = cells_[i];
            cell_word s{c.state.load()};
            if (s.slot() != dead.slot) continue;
            std::uint64_t position = s.position();
            if (s.phase() == cell_phase::writing) {
                c.state.compare_exchange_strong(s.raw, cell_word::make(position, cell_phase::skipped).raw);
            } else if (s.phase() == cell_phase::taking) {
                header_.head.compare_exchange_strong(position, position + 1);
                if (const block_place b = block_of(c.length.load(std::memory_order_relaxed)); b.offset != 0)
                    return_block(b.offset, dead);
                c.state.compare_exchange_strong(s.raw, cell_word::make(s.position(), cell_phase::returned).raw);
                header_.returned.fetch_add(1);
            } else if (s.phase() == cell_phase::returned) {
                header_.returned.fetch_add(1);  // it may not have lived to count the cell that it gave back
            }
        }
    }

    /// Calls `f(offset)` for every block that a message lies in. Others may be sending and receiving meanwhile.
    template <class F>
    void for_each_block(F f) const {
        for (std::uint64_t i = 0; i != count_; ++i) {
            const cell_phase p = cell_word{cells_[i].state.load()}.phase();
            if (p != cell_phase::full && p != cell_phase::taking && p != cell_phase::returned) continue;
            if (const block_place b = block_of(cells_[i].length.load(std::memory_order_relaxed)); b.offset != 0)
                f(b.offset);
        }
    }
    /// Calls `f(bytes)` for every message that carries handles. Others may be sending and receiving meanwhile: what the bytes
    /// say of a message that is taken out at the same time means nothing.
    template <class F>
    void for_each_carrier(F f) const {
        for (std::uint64_t i = 0; i != count_; ++i) {
            const cell_phase p = cell_word{cells_[i].state.load()}.phase();
            if (p != cell_phase::full && p != cell_phase::taking && p != cell_phase::returned) continue;
            const std::uint64_t length = cells_[i].length.load(std::memory_order_relaxed);
            if ((length & channel_cell::carries_bit) != 0) f(message_in(cells_[i], length));
        }
    }

    /// Nobody else uses the channel any more: takes out what is left. Calls `f(bytes)` before, if a message carries handles.
    template <class F>
    void clear(F f) noexcept {
        for (std::uint64_t i = 0; i != count_; ++i) {
            channel_cell& c = cells_[i];
            cell_word s{c.state.load()};
            if (s.phase() != cell_phase::full && s.phase() != cell_phase::returned) continue;
            if (c.state.compare_exchange_strong(s.raw,
                                                cell_word::make(s.position(), cell_phase::taking, self_.slot).raw))
                discard(c, s.position(), f);
        }
    }

private:
    // A bound on every loop, far beyond what others' progress can cause: shared words may hold anything.
    static constexpr unsigned max_retries = 1u << 22;

    [[nodiscard]] channel_cell& at(std::uint64_t position) const noexcept {
        return cells_[mask_ != 0 || count_ == 1 ? position & mask_ : position % count_];
    }

    template <class Write>
    op_status put(Write write) noexcept {
        for (unsigned tries = 0; tries != max_retries; ++tries) {
            std::uint64_t t = header_.tail.load();
            if ((t & 1) != 0) return op_status::closed;
            const std::uint64_t p = t >> 1;
            channel_cell& c = at(p);
            cell_word s{c.state.load()};
            if (s.position() != p) {
                // An earlier lap still has the cell: full, if the tail was really there. A later one: the tail has moved.
                if (header_.tail.load() != t) continue;
                return s.position() < p ? op_status::would_block : op_status::broken;
            }
            if (s.phase() != cell_phase::free) {
                header_.tail.compare_exchange_strong(t, t + 2);
                continue;
            }
            const std::uint64_t mine = cell_word::make(p, cell_phase::writing, self_.slot).raw;
            if (!c.state.compare_exchange_strong(s.raw, mine)) continue;
            Probe::at(step::send_claimed);
            if (!header_.tail.compare_exchange_strong(t, t + 2) && t >> 1 <= p) {
                // Closed before the tail passed: nobody waits for this cell.
                c.state.store(cell_word::make(p, cell_phase::free).raw);
                return op_status::closed;
            }
            Probe::at(step::send_counted);
            write(c);
            Probe::at(step::send_written);
            // An exchange, because the sender looks next for somebody to ring: its full fence pairs with the one of a
            // receiver that says it waits and then looks here again.
            c.state.exchange(cell_word::make(p, cell_phase::full).raw);
            Probe::at(step::send_published);
            return op_status::done;
        }
        return op_status::broken;
    }

    /// The cell is `taking(self)`.
    template <class Keep>
    op_status take(channel_cell& c, std::uint64_t position, byte_buffer& into, Keep& keep) noexcept {
        const std::uint64_t length = c.length.load(std::memory_order_relaxed);
        const bool carries = (length & channel_cell::carries_bit) != 0;
        try {
            if ((length & channel_cell::in_block) == 0) {
                const std::uint64_t size = length & ~channel_cell::carries_bit;
                if (size > channel_cell::room) return give_up(c, position);
                into.resize_uninitialized(size);
                std::memcpy(into.data(), c.bytes, size);
                if (carries) keep();
                Probe::at(step::receive_copied);
                consume(c, position);
                return op_status::done;
            }
            const block_place b = block_of(length);
            if (b.offset == 0) return give_up(c, position);
            const std::uint64_t size = length_of(memory_, b.offset).load(std::memory_order_relaxed);
            if (size > b.room) return give_up(c, position);
            into.resize_uninitialized(size);
            if (!claim_block(b.offset)) return give_up(c, position);
            Probe::at(step::receive_block_taken);
            std::memcpy(into.data(), memory_.at<std::byte>(b.data()), size);
            if (carries) keep();
            Probe::at(step::receive_copied);
            consume(c, position);
            arena::release(memory_, b.offset, held_by(self_));
            return op_status::done;
        } catch (...) {  // no private memory for it: it stays in the queue
            c.state.store(cell_word::make(position, cell_phase::returned, self_.slot).raw);
            Probe::at(step::receive_given_up);
            header_.returned.fetch_add(1);
            return op_status::exhausted;
        }
    }

    template <class Keep>
    op_status receive_returned(byte_buffer& into, Keep& keep) noexcept {
        const std::uint64_t known = header_.returned.load();
        // Each search that fails means that somebody else took one.
        for (std::uint64_t tries = 0; tries <= max_retries / count_ + 64; ++tries) {
            channel_cell* first = nullptr;
            cell_word found{};
            for (std::uint64_t i = 0; i != count_; ++i) {
                const cell_word s{cells_[i].state.load()};
                if (s.phase() == cell_phase::returned && (first == nullptr || s.position() < found.position())) {
                    first = &cells_[i];
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

    void consume(channel_cell& c, std::uint64_t position) noexcept {
        c.state.exchange(cell_word::make(position + count_, cell_phase::free).raw);  // a fence, as in put
        Probe::at(step::receive_consumed);
    }
    /// The message makes no sense: whoever sent it broke the rules. It must not stop the others.
    op_status give_up(channel_cell& c, std::uint64_t position) noexcept {
        consume(c, position);
        return op_status::broken;
    }
    template <class F>
    void discard(channel_cell& c, std::uint64_t position, F& f) noexcept {
        const std::uint64_t length = c.length.load(std::memory_order_relaxed);
        const block_place b = block_of(length);
        const bool mine = b.offset != 0 && claim_block(b.offset);
        if ((length & channel_cell::carries_bit) != 0) f(message_in(c, length));
        consume(c, position);
        if (mine) arena::release(memory_, b.offset, held_by(self_));
    }

    static constexpr std::uint64_t mark(bool carries) noexcept { return carries ? channel_cell::carries_bit : 0; }
    [[nodiscard]] block_place block_of(std::uint64_t length) const noexcept {
        if ((length & channel_cell::in_block) == 0) return {};
        return find_block(memory_, length & ~(channel_cell::in_block | channel_cell::carries_bit));
    }
    /// As far as it can be one: nothing outside the cell or the block.
    [[nodiscard]] std::span<const std::byte> message_in(const channel_cell& c, std::uint64_t length) const noexcept {
        if (const block_place b = block_of(length); b.offset != 0) {
            const std::uint64_t size = length_of(memory_, b.offset).load(std::memory_order_relaxed);
            return {memory_.at<const std::byte>(b.data()), size <= b.room ? size : 0};
        }
        const std::uint64_t size = length & ~channel_cell::carries_bit;
        return {c.bytes, size <= channel_cell::room ? size : 0};
    }
    [[nodiscard]] bool claim_block(std::uint64_t offset) noexcept {
        holder_word h = holder_of(memory_, offset).load(std::memory_order_acquire);
        return h != nobody && holder_of(memory_, offset).compare_exchange_strong(h, held_by(self_));
    }
    /// The dead receiver had made the block its own: now it is its arena's again, as if just sent.
    void return_block(std::uint64_t offset, process_id dead) noexcept {
        const unsigned owner = memory_.slot_of(offset);
        const auto generation = static_cast<std::uint32_t>(memory_.process(owner).identity.load() >> 32);
        holder_word h = held_by(dead);
        holder_of(memory_, offset).compare_exchange_strong(h, held_by({owner, generation}));
    }

    /// Closed, and the head has met the tail: empty, unless a receiver dies in the middle of taking. Its message would come
    /// back, so the last ones wait until every cell is free.
    [[nodiscard]] bool drained(std::uint64_t end) noexcept {
        if (header_.drained.load() != 0) return true;
        if (header_.returned.load() != header_.returned_seen.load()) return false;
        for (std::uint64_t i = 0; i != count_; ++i) {
            const cell_word s{cells_[i].state.load()};
            const cell_phase p = s.phase();
            if (s.position() < end && p != cell_phase::free && p != cell_phase::skipped) return false;
        }
        header_.drained.store(1);
        return true;
    }

    const region& memory_;
    channel_header& header_;
    channel_cell* cells_;
    std::uint64_t count_;
    std::uint64_t mask_;
    process_id self_;
};

}  // namespace cadre::detail::shm
