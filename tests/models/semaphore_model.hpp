// The semaphore between processes: operations that are noted, helped and completed once, death at every step, recovery.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

namespace models {

/// Two or three processes acquire permits, the first `amount` at once and the others one, and return them a few times; one may die, is recovered by the supervisor and
/// replaced. Mirrors shm/semaphore_core.hpp access by access.
struct semaphore_model {
    enum note : std::uint8_t { no_note, acquire, give_back };
    static constexpr unsigned max_processes = 3;
    static constexpr std::uint8_t supervisor = max_processes;
    static constexpr std::uint8_t done = 99;
    static constexpr std::uint8_t none = 99;
    static constexpr std::uint8_t acquired = 1;
    static constexpr std::uint8_t gave_back = 2;

    struct word {
        std::uint8_t free, what, slot, number;
        friend bool operator==(const word&, const word&) = default;
    };
    struct count {
        std::uint8_t permits, completed;
        friend bool operator==(const count&, const count&) = default;
    };
    struct process {
        std::uint8_t pc, rounds, owns, back;  // owns: permits; back: the pc after the help
        std::uint8_t amount;
        word w, now;
        count h;
    };
    struct state {
        word s;
        std::array<count, max_processes> held;
        std::array<std::uint8_t, max_processes> amounts;  // one less than the number of permits
        std::array<process, max_processes + 1> p;
        std::uint8_t dead, deaths;
    };

    unsigned processes = 2;
    std::uint8_t rounds = 2;
    std::uint8_t permits = 1;
    std::uint8_t amount = 1;
    std::uint8_t numbers = 16;  // the number of numbers that a note distinguishes

    [[nodiscard]] state initial() const {
        state s{};
        s.s.free = permits;
        s.dead = none;
        for (unsigned i = 0; i != processes; ++i)
            s.p[i].rounds = rounds;
        for (unsigned i = processes; i <= max_processes; ++i)
            s.p[i].pc = done;
        return s;
    }
    [[nodiscard]] bool ended(const state& s) const {
        for (const process& p : s.p)
            if (p.pc != done) return false;
        if (s.dead != none) return false;
        if (s.s.what != no_note) throw std::string("an operation was left in the middle");
        for (const count& c : s.held)
            if (c.permits != 0) throw std::string("a permit of nobody is held");
        if (s.s.free != permits) throw std::string("permits were lost or made");
        return true;
    }
    template <class Emit>
    void step(const state& s, Emit emit) const {
        for (std::uint8_t i = 0; i <= max_processes; ++i) {
            if (s.p[i].pc == done || s.dead == i) continue;
            state n = s;
            advance(n, i);
            emit(n);
            if (i != supervisor && s.deaths == 0) {
                state d = s;
                d.dead = i;
                d.deaths = 1;
                d.p[i].owns = 0;
                d.p[supervisor].pc = 30;
                emit(d);
            }
        }
    }

private:
    [[nodiscard]] std::uint8_t following(count c) const {
        return static_cast<std::uint8_t>((c.completed + 1u) % numbers);
    }
    [[nodiscard]] bool is_done(count c, word w) const { return following(c) != w.number; }
    [[nodiscard]] std::uint8_t wanted(std::uint8_t process) const { return process == 0 ? amount : std::uint8_t{1}; }
    static bool same_note(word a, word b) { return a.what == b.what && a.slot == b.slot && a.number == b.number; }
    static word settled(std::uint8_t free) { return {free, no_note, 0, 0}; }

    static void next_operation(process& p) {
        const auto left = static_cast<std::uint8_t>(p.owns != 0 ? p.rounds : p.rounds - 1);
        p = {0, left, p.owns, 0, 0, {}, {}, {}};
        if (left == 0) p.pc = done;
    }
    static void help(process& p, word w, std::uint8_t back) {
        p.w = w;
        p.back = back;
        p.pc = 10;
    }
    void helped(state& s, std::uint8_t me) const {
        process& p = s.p[me];
        const std::uint8_t back = p.back;
        p.back = 0;
        p.w = p.now = {};
        p.h = {};
        p.amount = 0;
        p.pc = back;
        if (back != acquired && back != gave_back) return;
        p.owns = back == acquired ? wanted(me) : std::uint8_t{0};
        unsigned owners = 0;
        for (const process& q : s.p)
            owners += q.owns;
        if (owners > permits) throw std::string("more owners than permits");
        next_operation(p);
    }

    void advance(state& s, std::uint8_t me) const {
        process& p = s.p[me];
        switch (p.pc) {
            case 0:
                if (s.s.what != no_note) return help(p, s.s, 0);
                if (p.owns == 0 && s.s.free < wanted(me)) return next_operation(p);
                p.w = s.s;
                p.pc = p.owns != 0 ? 2 : 1;
                return;
            case 2:
                if (s.held[me].permits < p.owns) throw std::string("an owner's permits are not counted");
                p.pc = 1;
                return;
            case 1:
                s.amounts[me] = static_cast<std::uint8_t>(wanted(me) - 1);
                p.pc = 3;
                return;
            case 3:
                p.h = s.held[me];
                p.pc = 4;
                return;
            case 4: {  // claimed
                const bool gives = p.owns != 0;
                const word mine{static_cast<std::uint8_t>(gives ? p.w.free + p.owns : p.w.free - wanted(me)),
                                gives ? give_back : acquire, me, following(p.h)};
                const bool claimed = s.s == p.w;
                p.w = {};
                p.h = {};
                p.pc = 0;
                if (!claimed) return;
                s.s = mine;
                p.owns = 0;  // a permit that is given back is free for others from here on
                return help(p, mine, gives ? gave_back : acquired);
            }
            case 10:  // carried out, once
                p.h = s.held[p.w.slot];
                p.pc = 13;
                return;
            case 13:
                p.amount = static_cast<std::uint8_t>(s.amounts[p.w.slot] + 1);
                p.pc = is_done(p.h, p.w) ? 20 : 11;
                return;
            case 11: p.pc = same_note(s.s, p.w) ? 12 : 20; return;
            case 12:
                if (s.held[p.w.slot] == p.h) {
                    count& c = s.held[p.w.slot];
                    c.completed = static_cast<std::uint8_t>(c.completed + 1);
                    if (p.w.what == acquire)
                        c.permits = static_cast<std::uint8_t>(c.permits + p.amount);
                    else
                        c.permits = static_cast<std::uint8_t>(c.permits - std::min(c.permits, p.amount));
                }
                p.pc = 20;
                return;
            case 20:  // settled
                p.h = {};
                p.amount = 0;
                p.now = s.s;
                p.pc = 21;
                return;
            case 21:
                if (!same_note(p.now, p.w) || !is_done(s.held[p.w.slot], p.w)) return helped(s, me);
                p.pc = 22;
                return;
            case 22:
                if (s.s == p.now) {
                    s.s = settled(p.now.free);
                    return helped(s, me);
                }
                p.now = s.s;
                p.pc = 21;
                return;
            case 30:  // the supervisor
                if (s.s.what != no_note && s.s.slot == s.dead) return help(p, s.s, 30);
                p.pc = 31;
                return;
            case 31:
                p.h = s.held[s.dead];
                p.pc = 32;
                return;
            case 32:
                s.held[s.dead] = {0, p.h.completed};
                p.pc = p.h.permits != 0 ? 33 : 35;
                return;
            case 33:
                p.now = s.s;
                p.pc = 34;
                return;
            case 34:
                if (s.s == p.now) {
                    s.s.free = static_cast<std::uint8_t>(s.s.free + p.h.permits);
                    p.pc = 35;
                } else {
                    p.now = s.s;
                }
                return;
            case 35:
                s.p[s.dead] = {};
                s.p[s.dead].rounds = 1;  // of the next process in the slot
                s.dead = none;
                p = {};
                p.pc = done;
                return;
        }
    }
};

}  // namespace models
