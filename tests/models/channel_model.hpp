// The queue between processes: claims, help, close, death at every step, recovery, and reuse of the slot.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace models {

/// Two senders, one or two receivers, a process that closes; one process may die, is recovered step by step and replaced. Every
/// message lies in a block, whose holder is followed too. Mirrors shm/channel_core.hpp and shm/channel_recovery.hpp and shm/crash_recovery.cpp.
struct channel_model {
    enum phase : std::uint8_t { free, writing, full, taking, skipped, returned };
    static constexpr unsigned messages = 3;
    static constexpr unsigned processes = 4;  // 0, 1: senders; 2, 3: receivers
    static constexpr std::uint8_t nobody = 9;
    static constexpr std::uint8_t done = 99;
    static constexpr std::uint8_t none = 99;

    struct cell {
        std::uint8_t position, what, who, message;
    };
    struct process {
        std::uint8_t pc, next, t, h, i, found, fresh;
        cell s;
    };
    struct state {
        std::uint8_t tail, closed, head, back, seen, drained;
        std::array<cell, 2> cells;
        std::array<std::uint8_t, messages> holder, published, claimed, consumed, undone;
        std::array<process, processes> p;
        std::uint8_t dead, deaths, recovery_pc, recovery_held, recovery_queued;
    };

    unsigned cells = 2;
    std::array<std::uint8_t, 2> first{0, 2};  // messages of sender i: [first[i], last[i])
    std::array<std::uint8_t, 2> last{2, 3};
    unsigned receivers = 2;
    bool mortal = true;
    bool replaced = true;  // whether a receiver that died is replaced

    [[nodiscard]] state initial() const {
        state s{};
        for (std::uint8_t i = 0; i != 2; ++i)
            s.cells[i] = {i, free, 0, none};
        s.holder.fill(nobody);
        s.dead = none;
        for (unsigned i = 0; i != 2; ++i) {
            s.p[i].next = first[i];
            s.p[i].fresh = 1;
            if (first[i] == last[i]) s.p[i].pc = done;
        }
        if (receivers < 2) s.p[3].pc = done;
        return s;
    }

    [[nodiscard]] bool ended(const state& s) const {
        for (const process& p : s.p)
            if (p.pc != done) return false;
        if (s.dead != none) return false;
        for (unsigned m = 0; m != messages; ++m) {
            if (s.published[m] != s.consumed[m])
                throw std::string("sent " + std::to_string(s.published[m]) + " times, received " +
                                  std::to_string(s.consumed[m]));
            if (s.holder[m] != nobody) throw std::string("a block that nobody gives back");
        }
        return true;
    }

    template <class Emit>
    void step(const state& s, Emit emit) const {
        if (!s.closed) {
            state n = s;
            n.closed = 1;
            emit(n);
        }
        for (std::uint8_t i = 0; i != processes; ++i) {
            if (s.p[i].pc == done || s.dead == i) continue;
            state n = s;
            if (i < 2)
                send(n, i);
            else
                receive(n, i);
            emit(n);
            if (mortal && s.deaths == 0 && s.dead == none) {
                state d = s;
                d.dead = i;
                d.deaths = 1;
                d.recovery_pc = 0;
                emit(d);
            }
        }
        if (s.dead != none) {
            state n = s;
            recover(n);
            emit(n);
        }
    }

private:
    [[nodiscard]] cell& at(state& s, unsigned position) const { return s.cells[position % cells]; }
    static bool same(const cell& a, const cell& b) {
        return a.position == b.position && a.what == b.what && a.who == b.who;
    }
    [[nodiscard]] std::uint8_t lap(unsigned position) const { return static_cast<std::uint8_t>(position + cells); }
    static std::uint8_t plus(std::uint8_t n) { return static_cast<std::uint8_t>(n + 1); }

    void send(state& s, std::uint8_t me) const {
        process& p = s.p[me];
        switch (p.pc) {
            case 0:  // the block, then the tail
                s.holder[p.next] = me;
                p.t = s.tail;
                p.pc = s.closed ? 8 : 1;
                return;
            case 1:
                p.s = at(s, p.t);
                p.pc = p.s.position != p.t ? 0 : p.s.what != free ? 5 : 2;
                return;
            case 2: {
                cell& c = at(s, p.t);
                p.pc = 0;
                if (!same(c, p.s)) return;
                c = {p.t, writing, me, none};
                p.pc = 3;
                return;
            }
            case 3:
                if (s.tail == p.t && !s.closed) {
                    s.tail = plus(s.tail);
                    p.pc = 4;
                } else {
                    p.pc = s.tail <= p.t ? 6 : 4;
                }
                return;
            case 4:
                at(s, p.t).message = p.next;
                p.pc = 7;
                return;
            case 5:
                if (s.tail == p.t && !s.closed) s.tail = plus(s.tail);
                p.pc = 0;
                return;
            case 6:
                at(s, p.t) = {p.t, free, 0, none};
                p.pc = 8;
                return;
            case 7:
                at(s, p.t).what = full;
                at(s, p.t).who = 0;
                s.published[p.next] = plus(s.published[p.next]);
                p.next = plus(p.next);
                p.pc = p.next == last[me] ? done : 0;
                return;
            case 8:  // closed: the block is released
                s.holder[p.next] = nobody;
                p.pc = done;
                return;
        }
    }

    void receive(state& s, std::uint8_t me) const {
        process& p = s.p[me];
        switch (p.pc) {
            case 0:
                p.i = 0;
                p.found = none;
                p.t = s.back;
                p.pc = s.back != s.seen ? 10 : 1;
                return;
            case 1:
                p.h = s.head;
                p.pc = 2;
                return;
            case 2:
                p.s = at(s, p.h);
                p.pc = p.s.position == p.h && p.s.what == full ? 3 : 5;
                return;
            case 3: take(s, me, p.h, 4); return;
            case 4:
                if (s.head == p.h) s.head = plus(s.head);
                p.pc = 20;
                return;
            case 5:
                p.t = s.tail;
                p.pc = p.h < s.tail ? 6 : s.closed ? 8 : 0;
                return;
            case 6: {
                p.s = at(s, p.h);
                if (p.s.position != p.h) {
                    if (p.s.position < p.h && s.head == p.h) throw std::string("broken: a cell of an earlier lap");
                    p.pc = 7;
                } else if (p.s.what == skipped) {
                    p.pc = 9;
                } else if (p.s.what == taking || p.s.what == returned) {
                    p.pc = 7;
                } else {
                    if (p.s.what == free && s.head == p.h) throw std::string("broken: a free cell below the tail");
                    p.pc = 0;
                }
                return;
            }
            case 7:
                if (s.head == p.h) s.head = plus(s.head);
                p.pc = 0;
                return;
            case 9:
                if (same(at(s, p.h), p.s)) at(s, p.h) = {lap(p.h), free, 0, none};
                p.pc = 7;
                return;
            case 8:  // drained?
                if (s.drained != 0) {
                    p.pc = done;
                } else if (s.head != p.h || s.back != s.seen) {
                    p.pc = 0;
                } else {
                    p.i = 0;
                    p.pc = 12;
                }
                return;
            case 12: {
                const cell& c = s.cells[p.i];
                if (c.position < p.t && c.what != free && c.what != skipped) {
                    p.pc = 0;
                    return;
                }
                p.i = plus(p.i);
                if (p.i == cells) {
                    s.drained = 1;
                    p.pc = done;
                }
                return;
            }
            case 10: {  // returned cells, one read at a time
                const cell& c = s.cells[p.i];
                if (c.what == returned && (p.found == none || c.position < p.s.position)) {
                    p.found = p.i;
                    p.s = c;
                }
                p.i = plus(p.i);
                if (p.i == cells) p.pc = p.found == none ? 11 : 13;
                return;
            }
            case 11:
                if (s.seen < p.t) s.seen = p.t;
                p.pc = 1;
                return;
            case 13: take(s, me, p.s.position, 20); return;
            case 20:
                s.holder[at(s, p.h).message] = me;
                p.pc = 21;
                return;
            case 21:
                p.found = at(s, p.h).message;
                p.pc = 22;
                return;
            case 22:
                s.consumed[p.found] = plus(s.consumed[p.found]);
                at(s, p.h) = {lap(p.h), free, 0, none};
                p.pc = 23;
                return;
            case 23:
                if (s.holder[p.found] == me) s.holder[p.found] = nobody;
                p = process{};
                return;
        }
    }

    void take(state& s, std::uint8_t me, std::uint8_t position, std::uint8_t then) const {
        process& p = s.p[me];
        cell& c = at(s, position);
        p.pc = 0;
        if (!same(c, p.s)) return;
        if (c.message == none) throw std::string("a full cell without a message");
        // First in, first out: the message before it of the same sender was claimed, or was returned.
        for (unsigned sender = 0; sender != 2; ++sender)
            if (c.message > first[sender] && c.message < last[sender] && s.published[c.message - 1u] != 0 &&
                s.claimed[c.message - 1u] == 0 && s.undone[c.message - 1u] == 0)
                throw std::string("overtaken");
        s.claimed[c.message] = 1;
        c.what = taking;
        c.who = me;
        p.h = position;
        p.pc = then;
    }

    /// One access at a time: each cell, then the dead process's blocks, then the cells that may refer to them.
    void recover(state& s) const {
        const std::uint8_t dead = s.dead;
        const std::uint8_t pc = s.recovery_pc;
        s.recovery_pc = plus(pc);
        if (pc < 4 * cells) {
            cell& c = s.cells[pc / 4];
            if (c.who != dead || (c.what != writing && c.what != taking)) return;
            if (c.what == writing) {
                if (pc % 4 == 3) c = {c.position, skipped, 0, none};
                return;
            }
            switch (pc % 4) {
                case 0:
                    if (s.head == c.position) s.head = plus(s.head);
                    return;
                case 1:
                    if (s.holder[c.message] == dead) s.holder[c.message] = 0;
                    return;
                case 2: return;
                case 3:
                    s.undone[c.message] = 1;
                    c.what = returned;
                    c.who = 0;
                    s.back = plus(s.back);
                    return;
            }
        } else if (pc == 4 * cells) {
            for (unsigned m = 0; m != messages; ++m)
                if (s.holder[m] == dead) s.recovery_held |= static_cast<std::uint8_t>(1u << m);
        } else if (pc <= 5 * cells) {
            const cell& c = s.cells[pc - 4 * cells - 1];
            if (c.message != none && (c.what == full || c.what == taking || c.what == returned))
                s.recovery_queued |= static_cast<std::uint8_t>(1u << c.message);
        } else {
            for (unsigned m = 0; m != messages; ++m)
                if (((s.recovery_held & ~s.recovery_queued) >> m & 1u) != 0 && s.holder[m] == dead)
                    s.holder[m] = nobody;
            // The next process in the slot: a receiver begins anew; what a sender had not sent is not sent.
            s.recovery_held = s.recovery_queued = 0;
            s.p[dead] = process{};
            if (dead < 2 || !replaced) s.p[dead].pc = done;
            s.dead = none;
            s.recovery_pc = 0;
        }
    }
};

}  // namespace models
