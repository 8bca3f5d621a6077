// The work-stealing deque: its owner, its thieves, a buffer that grows, under weak memory.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "models/membarrier.hpp"
#include "models/weak_memory.hpp"

namespace models {

/// The owner follows a script and then pops until the deque is empty; each thief makes a given number of attempts. The
/// first buffer has two entries and the next one four. Old buffers stay: when they are freed is not modelled. Mirrors
/// detail/scheduler/work_deque.hpp and src/scheduler/work_deque.cpp, load by load and store by store.
struct work_deque_model {
    static constexpr unsigned threads = 3;  // 0: the owner
    static constexpr unsigned words = 10;
    enum word : std::uint8_t { top, bottom, buffer, mode, entries };
    using memory = weak_memory<threads, words, 0, 32>;
    static constexpr std::uint8_t done = 99;
    static constexpr std::uint8_t origin = 2;  // of positions, so that none is negative

    struct thread {
        std::uint8_t pc, left, t, b, buf, item, fenced;
    };
    struct state {
        memory m;
        std::array<thread, threads> p;
        std::uint8_t at, pushed, end, first, limit, buf, i;  // the owner's position in the script and copies
        std::uint8_t taken;
        bool fenced;  // the owner fences its pops
    };
    enum class fences : std::uint8_t {
        asymmetric,  // a pop has a compiler fence; a thief makes every thread execute a fence
        symmetric,  // full fences on both sides
        pop_only,
        steal_only,
        none
    };

    // digit n: push n items; p: pop; s: the owner steals from itself; f, u: its pops are fenced from here on, or no
    // longer
    std::string_view script;
    std::array<std::uint8_t, 2> attempts{1, 0};
    fences kind = fences::asymmetric;
    bool push_releases = true;
    bool pop_releases = true;
    bool begin_releases = true;
    bool end_fences = true;
    bool thief_fences = true;

    [[nodiscard]] state initial() const {
        state s{};
        s.m.start({origin, origin});
        s.end = s.first = origin;
        s.limit = origin + 2;
        for (std::uint8_t i = 0; i != 2; ++i) {
            s.p[i + 1u].left = attempts[i];
            if (attempts[i] == 0)
                finish(s, i + 1u);
            else
                s.p[i + 1u].pc = 20;
        }
        return s;
    }
    [[nodiscard]] bool ended(const state& s) const {
        for (const thread& p : s.p)
            if (p.pc != done) return false;
        if (s.taken != (1u << s.pushed) - 1u) throw std::string("an item was lost");
        return true;
    }
    template <class Emit>
    void step(const state& s, Emit emit) const {
        const auto tidied = [&](state n) {
            n.m.tidy();
            emit(n);
        };
        for (unsigned i = 0; i != threads; ++i)
            if (s.p[i].pc >= 20 && s.p[i].pc < done)
                steal(s, i, tidied);
            else if (s.p[i].pc < 20)
                own(s, tidied);
    }

private:
    static std::uint8_t plus(unsigned a, unsigned b) { return static_cast<std::uint8_t>(a + b); }
    static unsigned entry(unsigned buf, unsigned position) {
        return buf == 0 ? entries + position % 2 : entries + 2 + position % 4;
    }

    /// top: t -> t + 1. `then(next, success)`.
    template <class Then>
    static void advance_top(const state& s, unsigned me, std::uint8_t t, Then then) {
        if (s.m.newest_value(top) == t) {
            state next = s;
            next.m.exchange(me, top, plus(t, 1));
            then(next, true);
        }
        load(s, me, top, false, [&](state& next, std::uint8_t value) {
            if (value != t) then(next, false);
        });
    }
    static void take(state& s, std::uint8_t item) {
        if (item == 0) throw std::string("an entry that was never filled");
        const auto bit = static_cast<std::uint8_t>(1u << (item - 1u));
        if ((s.taken & bit) != 0) throw std::string("an item was taken twice");
        s.taken |= bit;
    }
    static void finish(state& s, unsigned me) {
        s.p[me] = {};
        s.p[me].pc = done;
        s.m.fence(me);  // a thread that no longer runs has executed a full fence
        s.m.leave(me);
    }
    void next_of_script(state& s) const {
        s.p[0] = {};
        s.i = 0;
        if (s.at < script.size()) ++s.at;
    }
    void popped_nothing(state& s) const {
        const bool drained = s.at == script.size();
        next_of_script(s);
        if (drained) {
            s.end = s.first = s.limit = s.buf = 0;
            s.fenced = false;
            finish(s, 0);
        }
    }

    template <class Emit>
    void own(const state& before, Emit emit) const {
        state s = before;
        thread& p = s.p[0];
        const char what = s.at < script.size() ? script[s.at] : 'p';
        const unsigned n = static_cast<unsigned>(what - '0');  // of a push
        const unsigned capacity = s.buf == 0 ? 2 : 4;
        switch (p.pc) {
            case 0:
                if (what == 's')
                    p.pc = 20;
                else if (what == 'f')
                    p.pc = 17;
                else if (what == 'u')
                    p.pc = 18;
                else if (what != 'p')
                    p.pc = s.end + n > s.limit ? 1 : 5;
                else if (kind != fences::asymmetric || s.fenced)
                    p.pc = 10;
                else if (s.end - 1 < s.first)
                    popped_nothing(s);
                else
                    p.pc = 11;
                return emit(s);
            case 1:
                return load(s, 0, top, true, [&](state& next, std::uint8_t t) {
                    if (s.end + n - t > capacity) {
                        if (s.buf != 0 || s.end + n - t > 4) throw std::string("the script wants a third buffer");
                        next.p[0].t = next.i = t;
                        next.p[0].pc = t == s.end ? 3 : 2;
                    } else {
                        next.limit = plus(t, capacity);
                        next.p[0].pc = 5;
                    }
                    emit(next);
                });
            case 2:  // into the new buffer
                s.m.store(0, entry(1, s.i), s.m.newest_value(entry(0, s.i)), false);
                s.i = plus(s.i, 1);
                if (s.i == s.end) p.pc = 3;
                return emit(s);
            case 3:
                s.m.store(0, buffer, 1, true);
                s.buf = 1;
                s.limit = plus(p.t, 4);
                s.i = p.t = 0;
                p.pc = 5;
                return emit(s);
            case 5:
                s.m.store(0, entry(s.buf, plus(s.end, s.i)), s.pushed = plus(s.pushed, 1), false);
                s.i = plus(s.i, 1);
                if (s.i == n) p.pc = 6;
                return emit(s);
            case 6:
                s.end = plus(s.end, n);
                s.m.store(0, bottom, s.end, push_releases);
                next_of_script(s);
                return emit(s);
            case 10:
                return load(s, 0, top, false, [&](state& next, std::uint8_t t) {
                    if (s.end - 1 < t)
                        popped_nothing(next);
                    else
                        next.p[0].pc = 11;
                    emit(next);
                });
            case 11:
                p.b = static_cast<std::uint8_t>(s.end - 1);
                s.m.store(0, bottom, p.b, pop_releases);
                p.pc = kind == fences::symmetric || kind == fences::pop_only || s.fenced ? 12 : 13;
                return emit(s);
            case 12:
                s.m.fence(0);
                p.pc = 13;
                return emit(s);
            case 13:
                return load(s, 0, top, false, [&](state& next, std::uint8_t t) {
                    if (t < p.b) {
                        next.end = p.b;
                        take(next, s.m.newest_value(entry(s.buf, p.b)));
                        next_of_script(next);
                    } else {
                        next.p[0].pc = 14;
                    }
                    emit(next);
                });
            case 14:
                return load(s, 0, top, false, [&](state& next, std::uint8_t t) {
                    next.p[0].pc = t == p.b ? 15 : 16;
                    emit(next);
                });
            case 15:
                return advance_top(s, 0, p.b, [&](state& next, bool won) {
                    if (won) {
                        next.p[0].item = 1;
                        take(next, s.m.newest_value(entry(s.buf, p.b)));
                    }
                    next.p[0].pc = 16;
                    emit(next);
                });
            case 16: {
                const bool won = p.item != 0;
                s.m.store(0, bottom, s.end, false);
                s.first = kind == fences::asymmetric && !s.fenced ? s.end : s.first;
                if (won)
                    next_of_script(s);
                else
                    popped_nothing(s);
                return emit(s);
            }
            case 17:
                s.m.store(0, mode, 1, begin_releases);
                s.fenced = true;
                next_of_script(s);
                return emit(s);
            case 18:
                s.m.store(0, mode, 0, false);
                if (end_fences) s.m.fence(0);
                p.pc = 19;
                return emit(s);
            case 19:
                return load(s, 0, top, false, [&](state& next, std::uint8_t t) {
                    next.first = t;
                    next.fenced = false;
                    next_of_script(next);
                    emit(next);
                });
        }
    }

    void stolen(state& s, unsigned me) const {
        if (me == 0) return next_of_script(s);
        const auto left = static_cast<std::uint8_t>(s.p[me].left - 1);
        s.p[me] = {};
        s.p[me].pc = 20;
        s.p[me].left = left;
        if (left == 0) finish(s, me);
    }

    template <class Emit>
    void steal(const state& s, unsigned me, Emit emit) const {
        const thread& p = s.p[me];
        switch (p.pc) {
            case 20:
                return load(s, me, bottom, true, [&](state& next, std::uint8_t b) {
                    next.p[me].b = b;
                    next.p[me].pc = 21;
                    emit(next);
                });
            case 21:
                return load(s, me, top, true, [&](state& next, std::uint8_t t) {
                    next.p[me].pc = 22;
                    if (p.b <= t) stolen(next, me);
                    emit(next);
                });
            case 22:
                return load(s, me, top, true, [&](state& next, std::uint8_t t) {
                    thread& q = next.p[me];
                    q.b = 0;
                    q.t = t;
                    q.pc = kind == fences::none || kind == fences::pop_only ? 24 : kind == fences::asymmetric ? 28 : 23;
                    emit(next);
                });
            case 28: {
                state next = s;
                if (thief_fences) next.m.fence(me);
                next.p[me].pc = 29;
                return emit(next);
            }
            case 29:
                return load(s, me, mode, true, [&](state& next, std::uint8_t fenced) {
                    next.p[me].pc = fenced != 0 ? 24 : 23;
                    emit(next);
                });
            case 23: {
                if (kind == fences::asymmetric) return membarrier(s, me, done, 24, emit);
                state next = s;
                next.m.fence(me);
                next.p[me].pc = 24;
                return emit(next);
            }
            case 24:
                return load(s, me, bottom, true, [&](state& next, std::uint8_t b) {
                    next.p[me].pc = 25;
                    if (p.t >= b) stolen(next, me);
                    emit(next);
                });
            case 25:
                return load(s, me, buffer, true, [&](state& next, std::uint8_t buf) {
                    next.p[me].buf = buf;
                    next.p[me].pc = 26;
                    emit(next);
                });
            case 26:
                return load(s, me, entry(p.buf, p.t), false, [&](state& next, std::uint8_t item) {
                    next.p[me].item = item;
                    next.p[me].pc = 27;
                    emit(next);
                });
            case 27:
                return advance_top(s, me, p.t, [&](state& next, bool won) {
                    if (won) take(next, p.item);
                    stolen(next, me);
                    emit(next);
                });
        }
    }
};

}  // namespace models
