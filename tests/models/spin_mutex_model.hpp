// The mutex that unlocks with a plain store, under weak memory.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "models/membarrier.hpp"
#include "models/weak_memory.hpp"

namespace models {

/// Threads that lock and unlock. The futex is a set of sleeping threads: a wake-up chooses any of them; the kernel
/// orders it with the load that a thread does when it is in the set. A failed attempt to lock is a load that may be
/// old, which allows more than a compare-exchange does. Mirrors cadre/detail/base/spin_mutex.hpp, without the spinning.
struct spin_mutex_model {
    static constexpr unsigned threads = 3;
    static constexpr unsigned words = 2;
    enum word : std::uint8_t { locked, sleepers };
    using memory = weak_memory<threads, words, 0, 32>;
    static constexpr std::uint8_t done = 99;

    struct thread {
        std::uint8_t pc, left, fenced, woken;
    };
    struct state {
        memory m;
        std::array<thread, threads> p;
    };
    enum class fences : std::uint8_t { asymmetric, symmetric, unlock_only, sleep_only, none };

    std::array<std::uint8_t, threads> rounds{1, 1, 1};
    fences kind = fences::asymmetric;
    bool leaves_sleepers = true;  // an acquirer that has slept
    bool waits_on_lock = false;  // the futex is `locked`

    [[nodiscard]] state initial() const {
        state s{};
        s.m.start({});
        for (unsigned i = 0; i != threads; ++i) {
            s.p[i].left = rounds[i];
            if (rounds[i] == 0) finish(s, i);
        }
        return s;
    }
    [[nodiscard]] bool ended(const state& s) const {
        for (const thread& p : s.p)
            if (p.pc != done) return false;
        return true;
    }
    template <class Emit>
    void step(const state& s, Emit emit) const {
        const auto tidied = [&](state n) {
            n.m.tidy();
            emit(n);
        };
        for (unsigned i = 0; i != threads; ++i)
            if (s.p[i].pc != done) run(s, i, tidied);
    }

private:
    enum : std::uint8_t { begin, announce, fence, retry, wait, asleep, owner, freed_fence, freed, wake };

    static void finish(state& s, unsigned me) {
        s.p[me] = {};
        s.p[me].pc = done;
        s.m.fence(me);
        s.m.leave(me);
    }
    static void unlocked(state& s, unsigned me) {
        s.p[me].pc = begin;
        if (--s.p[me].left == 0) finish(s, me);
    }

    template <class Emit>
    void try_lock(const state& s, unsigned me, std::uint8_t if_locked, Emit emit) const {
        load(s, me, locked, true, [&](state& next, std::uint8_t value) {
            next.p[me].pc = if_locked;
            if (value == 0 && s.m.newest_value(locked) == 0) {
                for (const thread& other : s.p)
                    if (other.pc == owner) throw std::string("two owners");
                next.m.exchange(me, locked, 1);
                if (s.p[me].pc == retry && !leaves_sleepers) next.m.exchange(me, sleepers, 0);
                next.p[me].pc = owner;
            }
            emit(next);
        });
    }

    template <class Emit>
    void run(const state& before, unsigned me, Emit emit) const {
        state s = before;
        thread& p = s.p[me];
        switch (p.pc) {
            case begin: return try_lock(s, me, announce, emit);
            case announce:
                if (s.m.newest_value(sleepers) == 0)
                    s.m.exchange(me, sleepers, 1);
                else  // bounds the number of stores; orders less than an exchange
                    s.m.read(me, sleepers, s.m.newest(sleepers), true);
                p.pc = kind == fences::none || kind == fences::unlock_only ? retry : fence;
                return emit(s);
            case fence:
                if (kind == fences::asymmetric) return membarrier(s, me, done, retry, emit);
                s.m.fence(me);
                p.pc = retry;
                return emit(s);
            case retry: return try_lock(s, me, wait, emit);
            case wait:
                s.m.fence(me);
                return load(s, me, waits_on_lock ? locked : sleepers, false, [&](state& next, std::uint8_t value) {
                    next.p[me].pc = value == 0 ? announce : asleep;
                    emit(next);
                });
            case asleep:
                if (p.woken == 0) return;
                p.woken = 0;
                p.pc = announce;
                return emit(s);
            case owner:
                s.m.store(me, locked, 0, true);
                p.pc = kind == fences::symmetric || kind == fences::unlock_only ? freed_fence : freed;
                return emit(s);
            case freed_fence:
                s.m.fence(me);
                p.pc = freed;
                return emit(s);
            case freed:
                return load(s, me, sleepers, false, [&](state& next, std::uint8_t value) {
                    next.p[me].pc = wake;
                    if (value == 0) unlocked(next, me);
                    emit(next);
                });
            case wake: {
                const bool any = s.m.newest_value(sleepers) != 0;
                s.m.exchange(me, sleepers, 0);
                s.m.fence(me);
                bool woken = false;
                for (unsigned other = 0; any && other != threads; ++other)
                    if (s.p[other].pc == asleep && s.p[other].woken == 0) {
                        state next = s;
                        next.p[other].woken = 1;
                        unlocked(next, me);
                        emit(next);
                        woken = true;
                    }
                if (woken) return;
                unlocked(s, me);
                return emit(s);
            }
        }
    }
};

}  // namespace models
