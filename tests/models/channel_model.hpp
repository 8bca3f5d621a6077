// The queue between processes: claims, help, close, leases, death at every step, recovery, and reuse of the slot.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>

#include "models/replayed_word.hpp"

#include "shm/channel_core.hpp"
#include "shm/channel_recovery.hpp"

namespace models {

/// Two senders, one or two receivers, a process that closes; one process may die, is recovered and replaced. Every
/// message lies in a block, whose holder is followed too. Runs channel_core and channel_recovery themselves; the
/// release of a dead process's blocks mirrors shm/crash_recovery.cpp.
struct channel_model {
    static constexpr std::uint8_t messages = 3;
    static constexpr std::uint8_t processes = 5;  // 0, 1: senders; 2, 3: receivers; 4: closes
    static constexpr std::uint8_t closer = 4;
    static constexpr std::uint8_t none = 99;
    static constexpr unsigned max_cells = 2;

    unsigned cells = 2;
    std::array<std::uint8_t, 2> first{0, 2};  // messages of sender i: [first[i], last[i])
    std::array<std::uint8_t, 2> last{2, 3};
    unsigned receivers = 2;
    bool mortal = true;
    bool replaced = true;  // whether a receiver that died is replaced
    bool runs = false;  // whether senders send all that they have at once, and receivers take all that is there
    bool leases = false;  // whether a receiver holds the block itself, and frees it in a later step
    bool forwards = false;  // whether the first receiver of message 0 sends the block, which it holds, again

    enum activity : std::uint8_t { sending, abandoning, receiving, holding, forwarding, closing, done };
    struct process {
        history log;
        std::uint8_t now, next, generation, leased;  // leased: the offset of the block that a receiver holds, or 0
    };
    struct state {
        history recovery_log;
        std::array<process, processes> p;
        std::uint16_t tail, head, returned, returned_seen, drained;
        std::array<std::uint16_t, max_cells> cell, length;
        std::array<std::uint16_t, messages> holder;
        std::array<std::uint8_t, messages> published, claimed, consumed, undone;
        std::uint8_t dead, deaths, recovery_pc, recovery_held, recovery_queued;
        std::uint8_t forwarded;  // 1 from the first attempt to send message 0 again
        std::array<std::uint8_t, 2> unused;
    };

    [[nodiscard]] state initial() const {
        state s{};
        for (unsigned i = 0; i != cells; ++i)
            s.cell[i] = value_numbers::of(cell_word::make(i, cell_phase::free).raw);
        s.dead = none;
        for (std::uint8_t i = 0; i != 2; ++i) {
            s.p[i] = {0, first[i] == last[i] ? done : sending, first[i], 0, 0};
            s.p[i + 2u].now = i < receivers ? receiving : done;
        }
        s.p[closer].now = closing;
        return s;
    }

    [[nodiscard]] bool ended(const state& s) const {
        for (const process& p : s.p)
            if (p.now != done) return false;
        if (s.dead != none) return false;
        for (unsigned m = 0; m != messages; ++m) {
            if (s.published[m] != s.consumed[m])
                throw std::string("sent " + std::to_string(s.published[m]) + " times, received " +
                                  std::to_string(s.consumed[m]));
            if (s.holder[m] != 0) throw std::string("a block that nobody gives back");
        }
        return true;
    }

    template <class Emit>
    void step(const state& s, Emit emit) const {
        for (std::uint8_t i = 0; i != processes; ++i) {
            if (s.p[i].now == done || s.dead == i) continue;
            state n = s;
            advance(n, i);
            observe(s, n);
            emit(n);
            if (mortal && i != closer && s.deaths == 0) {
                state d = s;
                d.dead = i;
                d.deaths = 1;
                emit(d);
            }
        }
        if (s.dead != none) {
            state n = s;
            recover(n);
            observe(s, n);
            emit(n);
        }
    }

private:
    using cell_word = cadre::detail::shm::cell_word;
    using cell_phase = cadre::detail::shm::cell_phase;
    using process_id = cadre::detail::shm::process_id;
    using op_status = cadre::detail::op_status;

    // The block of message m has the offset m + 1.
    class blocks {
    public:
        using word_type = replayed_word;
        using location = cadre::detail::shm::block_location;

        blocks(std::array<replayed_word, messages>& holders, std::uint8_t first_of_second) noexcept
            : holders_(&holders), first_of_second_(first_of_second) {}
        [[nodiscard]] static location find(std::uint64_t offset) noexcept { return {offset, 1}; }
        [[nodiscard]] replayed_word& holder(std::uint64_t offset) const noexcept { return (*holders_)[offset - 1]; }
        [[nodiscard]] static replayed_word& length(std::uint64_t) noexcept {
            static replayed_word one(1, true);
            return one;
        }
        [[nodiscard]] static bool written(const location& /*b*/, std::uint64_t /*size*/) noexcept { return true; }
        [[nodiscard]] static const std::byte* bytes(const location& b) noexcept {
            static constexpr std::byte contents[messages] = {std::byte{0}, std::byte{1}, std::byte{2}};
            return contents + (b.offset - 1);
        }
        [[nodiscard]] process_id owner(std::uint64_t offset) const noexcept {
            return {offset - 1 < first_of_second_ ? 0u : 1u, 0};
        }

    private:
        std::array<replayed_word, messages>* holders_;
        std::uint8_t first_of_second_;
    };
    using core = cadre::detail::shm::channel_core<replay_probe, blocks>;
    using recovery = cadre::detail::shm::channel_recovery<blocks>;
    using payload = cadre::detail::shm::channel_payload<blocks>;
    using words = cadre::detail::shm::basic_channel_words<replayed_word>;

    // Takes the block of a message, as a lease does.
    struct block_taker {
        std::uint8_t& leased;
        static void resize_uninitialized(std::size_t) noexcept {}
        [[nodiscard]] static std::byte* data() noexcept {  // unused: no message of the model is in a cell
            static std::byte bytes[words::cell_type::room];
            return bytes;
        }
        void adopt(std::uint64_t offset, std::size_t) noexcept { leased = static_cast<std::uint8_t>(offset); }
    };

    // The words as the code sees them, for one step.
    struct memory {
        alignas(64) std::byte bytes[words::bytes(max_cells)];
        std::array<replayed_word, messages> holders;
        words channel;

        memory(const state& s, unsigned cells) noexcept : channel(bytes, cells) {
            auto& h = *new (bytes) words::header_type{load(s.tail),          load(s.head),           load(s.returned),
                                                      load(s.returned_seen), replayed_word(0, true), load(s.drained)};
            static_cast<void>(h);  // `closing` is constant: the core does not read it
            for (unsigned i = 0; i != cells; ++i)
                new (channel.begin() + i) words::cell_type{load(s.cell[i]), load(s.length[i]), {}};
            for (unsigned m = 0; m != messages; ++m)
                holders[m] = load(s.holder[m]);
        }
        void save(state& s) const {
            const auto& h = channel.header();
            s.tail = number(h.tail);
            s.head = number(h.head);
            s.returned = number(h.returned);
            s.returned_seen = number(h.returned_seen);
            s.drained = number(h.drained);
            for (unsigned i = 0; i != channel.count(); ++i) {
                s.cell[i] = number(channel.begin()[i].state);
                s.length[i] = number(channel.begin()[i].length);
            }
            for (unsigned m = 0; m != messages; ++m)
                s.holder[m] = number(holders[m]);
        }

    private:
        static replayed_word load(std::uint16_t value) noexcept { return replayed_word(value_numbers::value(value)); }
        static std::uint16_t number(const replayed_word& w) { return value_numbers::of(w.load()); }
    };

    static cell_word cell_of(const state& s, unsigned i) { return {value_numbers::value(s.cell[i])}; }
    static std::uint8_t message_in(const state& s, unsigned i) {
        const std::uint64_t length = value_numbers::value(s.length[i]);
        if (!payload::in_block(length)) throw std::string("a full cell without a message");
        return static_cast<std::uint8_t>((length & 0xffu) - 1);
    }
    [[nodiscard]] blocks blocks_of(memory& m) const noexcept { return {m.holders, first[1]}; }

    void advance(state& s, std::uint8_t me) const {
        process& p = s.p[me];
        memory m(s, cells);
        const process_id self{me, p.generation};
        core channel(blocks_of(m), m.bytes, cells, self);
        const auto run = [&](auto operation) {
            const auto result = run_step(p.log, operation);
            m.save(s);
            return result;
        };
        switch (p.now) {
            case sending: {
                const unsigned count = runs ? last[me] - p.next + 0u : 1u;
                for (unsigned i = 0; p.log == 0 && i != count; ++i)
                    m.holders[p.next + i].store(held_by(self));  // the blocks are allocated
                unsigned sent = 1;
                const auto result = run([&] {
                    if (!runs) return channel.send_block(p.next + 1u);
                    const auto write = [&](words::cell_type& c, unsigned i) {
                        c.length.store((p.next + i + 1u) | words::cell_type::in_block, std::memory_order_relaxed);
                    };
                    return channel.send_run(count, write, sent);
                });
                if (!result || *result == op_status::would_block) return;
                if (*result == op_status::closed)
                    p.now = abandoning;
                else if (*result != op_status::done)
                    throw std::string("broken");
                else if ((p.next = static_cast<std::uint8_t>(p.next + sent)) == last[me])
                    p.now = done;
                return;
            }
            case abandoning:
                if (run([&] {
                        for (unsigned i = p.next; i != (runs ? last[me] : p.next + 1u); ++i)
                            payload(blocks_of(m), self).release(i + 1);
                        return true;
                    }))
                    p.now = done;
                return;
            case receiving: {
                static thread_local cadre::detail::byte_buffer into;
                unsigned skipped = 0;
                std::uint8_t leased = 0;
                block_taker taker{leased};
                const auto result = run([&] {
                    if (leases) return channel.receive(taker, skipped);
                    if (runs && receive_run(channel, payload(blocks_of(m), self))) return op_status::done;
                    return channel.receive(into, skipped);
                });
                if (result == op_status::done && leases) return hold(s, p, leased);
                if (!result || *result == op_status::would_block || *result == op_status::done) return;
                if (*result != op_status::closed) throw std::string("broken");
                p.now = done;
                return;
            }
            case holding:
                if (run([&] {
                        payload(blocks_of(m), self).release(p.leased);
                        return true;
                    })) {
                    p.now = receiving;
                    p.leased = 0;
                }
                return;
            case forwarding: {
                const auto result = run([&] { return channel.send_block(p.leased); });
                if (!result) return;
                if (*result == op_status::broken) throw std::string("broken");
                p.now = holding;  // a full or closed channel: the block is still its own
                if (*result == op_status::done) {
                    p.now = receiving;
                    p.leased = 0;
                }
                return;
            }
            case closing:
                if (run([&] {
                        channel.close();
                        return true;
                    }))
                    p.now = done;
                return;
        }
    }

    /// A receiver has taken a block, which nobody else may have.
    void hold(state& s, process& p, std::uint8_t leased) const {
        if (leased == 0) throw std::string("received without its block");
        for (const process& other : s.p)
            if (other.leased == leased) throw std::string("one block has two holders");
        const auto me = static_cast<unsigned>(&p - s.p.data());
        if (value_numbers::value(s.holder[leased - 1u]) != held_by(process_id{me, p.generation}))
            throw std::string("the block of a receiver is not its own");
        const bool again = forwards && leased == 1 && s.forwarded == 0;
        if (again) s.forwarded = 1;
        p.leased = leased;
        p.now = again ? forwarding : holding;
    }

    static bool receive_run(core& channel, payload blocks) {
        std::array<std::uint64_t, max_cells> offsets{};
        const auto all = [](std::uint64_t) { return true; };
        const auto copy = [&](const words::cell_type& c, unsigned i) {
            offsets[i] = blocks.block_of(c.length.load(std::memory_order_relaxed)).offset;
            static_cast<void>(blocks.claim(offsets[i]));
        };
        const unsigned received = channel.receive_run(max_cells, all, copy);
        for (unsigned i = 0; i != received; ++i)
            blocks.release(offsets[i]);
        return received != 0;
    }

    /// What a change of a cell means for its message.
    void observe(const state& before, state& s) const {
        for (unsigned i = 0; i != cells; ++i) {
            const cell_phase from = cell_of(before, i).phase();
            const cell_phase to = cell_of(s, i).phase();
            if (from == to) continue;
            if (to == cell_phase::full) ++s.published[message_in(s, i)];
            if (to == cell_phase::taking) claim(s, message_in(s, i));
            if (to == cell_phase::returned) s.undone[message_in(s, i)] = 1;
            if (from == cell_phase::taking && to == cell_phase::free) ++s.consumed[message_in(s, i)];
        }
    }
    /// First in, first out: the message before it of the same sender was claimed, or was returned.
    void claim(state& s, std::uint8_t message) const {
        for (unsigned sender = 0; sender != 2; ++sender)
            if (message > first[sender] && message < last[sender] && s.published[message - 1u] != 0 &&
                s.claimed[message - 1u] == 0 && s.undone[message - 1u] == 0)
                throw std::string("overtaken");
        s.claimed[message] = 1;
    }

    /// One access at a time: the cells, then the dead process's blocks, then the cells that may refer to them.
    void recover(state& s) const {
        const process_id dead{s.dead, 0};
        memory m(s, cells);
        recovery channel(blocks_of(m), m.bytes, cells, {cadre::detail::shm::supervisor_slot, 0});
        const auto run = [&](auto operation) {
            const bool complete = run_step(s.recovery_log, operation).has_value();
            m.save(s);
            if (complete) ++s.recovery_pc;
            return complete;
        };
        if (s.recovery_pc == 0) {
            run([&] {
                channel.recover(dead);
                return true;
            });
        } else if (s.recovery_pc == 1) {
            for (unsigned i = 0; i != messages; ++i)
                if (m.holders[i].load() == held_by(dead)) s.recovery_held |= static_cast<std::uint8_t>(1u << i);
            ++s.recovery_pc;
        } else if (s.recovery_pc == 2) {
            unsigned queued = 0;
            if (run([&] {
                    queued = 0;
                    channel.for_each_block([&](std::uint64_t offset) { queued |= 1u << (offset - 1); });
                    return true;
                }))
                s.recovery_queued = static_cast<std::uint8_t>(queued);
        } else {
            for (unsigned i = 0; i != messages; ++i)
                if (((s.recovery_held & ~s.recovery_queued) >> i & 1u) != 0) payload(blocks_of(m), dead).release(i + 1);
            m.save(s);
            // The next process in the slot: a receiver begins anew; what a sender had not sent is not sent.
            const bool begins = s.dead >= 2 && replaced;
            s.p[s.dead] = {0, begins ? receiving : done, 0, 1, 0};
            s.dead = none;
            s.recovery_pc = s.recovery_held = s.recovery_queued = 0;
        }
    }
};

}  // namespace models
