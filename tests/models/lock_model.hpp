// The lock between processes: barging, hand-over, waiters that give up, rings, death at every step.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace models {

/// Three processes each want the lock a few times; one may die. A waiter goes on only when rung, so a lost wake-up is a
/// state without an end. Mirrors shm/lock_core.hpp and plane_lock in shm/plane_objects.cpp.
struct lock_model {
    enum phase : std::uint8_t { free, held, granted };
    static constexpr std::uint8_t done = 99;
    static constexpr std::uint8_t none = 99;
    static constexpr unsigned most = 3;

    struct process {
        std::uint8_t pc, rounds, pending_bits, interest, to, inside;
    };
    struct state {
        std::uint8_t word, owner, died;
        std::array<process, most> p;
        std::uint8_t dead, deaths, bury_pc, touched;  // touched: by an owner who died inside
    };

    unsigned processes = 3;
    std::uint8_t rounds = 1;
    bool mortal = true;

    [[nodiscard]] state initial() const {
        state s{};
        s.dead = none;
        for (unsigned i = 0; i != most; ++i) {
            s.p[i].rounds = rounds;
            if (i >= processes) s.p[i].pc = done;
        }
        return s;
    }
    [[nodiscard]] bool ended(const state& s) const {
        for (const process& p : s.p)
            if (p.pc != done) return false;
        if (s.dead != none) return false;
        if (s.word != free) throw std::string("held by nobody");
        return true;
    }

    template <class Emit>
    void step(const state& s, Emit emit) const {
        for (std::uint8_t i = 0; i != processes; ++i) {
            if (s.p[i].pc == done || s.dead == i) continue;
            advance(s, i, emit);
            if (mortal && s.deaths == 0) {
                state d = s;
                d.dead = i;
                d.deaths = 1;
                emit(d);
            }
        }
        if (s.dead != none) {
            state n = s;
            bury(n);
            emit(n);
        }
    }

private:
    static bool acquire(state& s, std::uint8_t me) {
        if (s.word != free && !(s.word == granted && s.owner == me)) return false;
        if (s.touched != 0 && s.died == 0) throw std::string("the owner died and nobody is told");
        s.touched = s.died = 0;
        s.word = held;
        s.owner = me;
        for (const process& p : s.p)
            if (p.inside != 0) throw std::string("two inside");
        s.p[me].inside = 1;
        return true;
    }
    /// Somebody else who waits is rung.
    static void ring_one(state& s, std::uint8_t me) {
        for (std::uint8_t i = 1; i != most; ++i)
            if (const auto q = static_cast<std::uint8_t>((me + i) % most); s.p[q].interest != 0) {
                s.p[q].pending_bits = 1;
                return;
            }
    }

    template <class Emit>
    void advance(const state& before, std::uint8_t me, Emit emit) const {
        state s = before;
        process& p = s.p[me];
        switch (p.pc) {
            case 0: p.pc = acquire(s, me) ? 10 : 1; break;  // barging
            case 1:
                p.interest = 1;
                p.pc = 2;
                break;  // told, then tried again
            case 2: p.pc = acquire(s, me) ? 4 : 3; break;
            case 3:  // asleep
                if (p.pending_bits != 0) {
                    state n = s;
                    n.p[me].pending_bits = 0;
                    n.p[me].pc = 2;
                    emit(n);
                }
                p.pc = 20;  // or the wait is cancelled
                break;
            case 4:
                p.interest = 0;
                p.pc = 5;
                break;  // taken: nobody here waits any more
            case 5:
                if (s.word == granted && s.owner == me) s.word = free;
                p.pc = 6;
                break;
            case 6:
                if (s.word == free) ring_one(s, me);
                p.pc = p.inside != 0 ? 10 : done;
                break;
            case 10:  // inside; now out: free it, or hand it over
                for (std::uint8_t i = 0; i != most; ++i)
                    if (i != me && s.p[i].interest != 0) {
                        state n = s;
                        n.p[me].to = i;
                        n.p[me].pc = 12;
                        emit(n);
                    }
                p.inside = 0;
                s.word = free;
                p.pc = 11;
                break;
            case 11:
                if (s.word == free) ring_one(s, me);
                again(p);
                break;
            case 12:
                p.inside = 0;
                s.word = granted;
                s.owner = p.to;
                p.pc = 13;
                break;
            case 13: p.pc = s.p[p.to].interest != 0 && s.dead != p.to ? 14 : 15; break;
            case 14:
                s.p[p.to].pending_bits = 1;
                again(p);
                break;
            case 15:
                if (s.word == granted && s.owner == p.to) {
                    s.word = free;
                    p.pc = 11;
                } else {
                    again(p);
                }
                break;
            case 20:
                p.interest = 0;
                p.pc = 5;
                break;  // cancelled: pass on what came meanwhile
        }
        emit(s);
    }
    static void again(process& p) {
        p.to = 0;
        --p.rounds;
        p.pc = p.rounds == 0 ? done : 0;
    }

    static void bury(state& s) {
        const std::uint8_t dead = s.dead;
        if (s.bury_pc == 0) {
            s.p[dead].interest = 0;
        } else if (s.bury_pc == 1) {
            if (s.word != free && s.owner == dead) {
                if (s.word == held) s.died = s.touched = 1;
                s.word = free;
            }
            s.p[dead].inside = 0;
        } else if (s.bury_pc == 2) {
            // The dead process may have granted it to one that had stopped waiting, and not lived to take it back.
            if (s.word == granted && s.p[s.owner].interest == 0) s.word = free;
        } else {
            for (process& p : s.p)
                p.pending_bits = 1;
            s.p[dead] = process{};
            s.p[dead].pc = done;
            s.dead = none;
        }
        ++s.bury_pc;
    }
};

}  // namespace models
