// Park and wake in the pool under weak memory: a publisher of work reads the sleepers, a worker that parks polls for
// work.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "models/membarrier.hpp"
#include "models/weak_memory.hpp"

namespace models {

/// A worker that computes forever forks items, another thread submits some, and two idle workers poll, add themselves
/// to the sleepers, poll again and park. An item in a queue while both are parked is a state without an end. Queues are
/// counters here (the deque has a model of its own); timers, the reactor and its leader are left out. Mirrors
/// executors/thread/thread_pool_idle.cpp and detail/scheduler/local_worker.hpp.
struct sleep_wake_model {
    static constexpr unsigned threads = 4;  // 0: forks, 1: submits, 2 and 3: idle workers
    static constexpr unsigned workers = 2;
    static constexpr unsigned words = 4;
    enum word : std::uint8_t { bottom, top, injected, sleeping };
    enum lock : std::uint8_t { of_injected, of_sleepers };
    using memory = weak_memory<threads, words, 2, 24>;
    static constexpr std::uint8_t done = 99;

    struct thread {
        std::uint8_t pc, left, b, chosen, fenced;
    };
    struct state {
        memory m;
        std::array<thread, threads> p;
        std::array<std::uint8_t, workers> listed, token;
        std::uint8_t queued;  // in the queue of injected items, under its lock
    };
    enum class fences : std::uint8_t {
        asymmetric,  // a fork has a compiler fence; a worker that parks makes every thread execute a fence
        symmetric,  // full fences on both sides
        publish_only,
        sleep_only,  // the fence of a worker that parks does not reach other threads
        none
    };

    std::uint8_t forks = 1;
    std::uint8_t submits = 1;
    std::uint8_t idle = 2;  // workers
    fences kind = fences::asymmetric;
    bool polls_again = true;  // between joining the sleepers and parking

    [[nodiscard]] state initial() const {
        state s{};
        s.m.start({});
        s.p[0].left = forks;
        s.p[1].left = submits;
        for (unsigned i = 0; i != 2; ++i)
            if (s.p[i].left == 0) finish(s, i);
        for (unsigned i = 2; i != threads; ++i)
            if (i - 2 < idle)
                s.p[i].pc = 20;
            else
                finish(s, i);
        return s;
    }
    /// All items have been published and taken, and all workers are parked.
    [[nodiscard]] bool ended(const state& s) const {
        return s.p[0].pc == done && s.p[1].pc == done && pending_operation(s, 0) &&
               (idle == 1 || pending_operation(s, 1)) && s.queued == 0 &&
               s.m.newest_value(top) == s.m.newest_value(bottom);
    }
    template <class Emit>
    void step(const state& s, Emit emit) const {
        const auto tidied = [&](state n) {
            n.m.tidy();
            emit(n);
        };
        if (s.p[0].pc != done) publish(s, 0, tidied);
        if (s.p[1].pc != done) publish(s, 1, tidied);
        for (unsigned i = 2; i != threads; ++i)
            if (s.p[i].pc != done) work(s, i, tidied);
    }

private:
    static std::uint8_t plus(unsigned a, unsigned b) { return static_cast<std::uint8_t>(a + b); }
    static bool pending_operation(const state& s, unsigned worker) {
        return s.p[2 + worker].pc == 27 && s.token[worker] == 0;
    }
    static void finish(state& s, unsigned me) {
        s.p[me] = {};
        s.p[me].pc = done;
        s.m.fence(me);  // a thread that no longer runs has executed a full fence
        s.m.leave(me);
    }
    /// Under the lock of the sleepers.
    static void list(state& s, unsigned me, unsigned worker, bool in) {
        s.m.lock(me, of_sleepers);
        if ((s.listed[worker] != 0) != in) {
            s.listed[worker] = in ? 1 : 0;
            s.m.exchange(me, sleeping, static_cast<std::uint8_t>(s.m.newest_value(sleeping) + (in ? 1 : -1)));
        }
        s.m.unlock(me, of_sleepers);
    }
    static void published(state& s, unsigned me) {
        s.p[me].pc = 0;
        s.p[me].chosen = 0;
        if (--s.p[me].left == 0) finish(s, me);
    }

    template <class Emit>
    void publish(const state& before, unsigned me, Emit emit) const {
        state s = before;
        thread& p = s.p[me];
        // Without membarrier a fork does not read the sleepers before its fence; submit always has a full fence.
        const bool full =
            kind == fences::symmetric || kind == fences::publish_only || (kind == fences::asymmetric && me == 1);
        switch (p.pc) {
            case 0:
                if (me == 0) {
                    s.m.store(me, bottom, plus(s.m.newest_value(bottom), 1), true);
                } else {
                    s.m.lock(me, of_injected);
                    s.queued = plus(s.queued, 1);
                    s.m.store(me, injected, 1, true);
                    s.m.unlock(me, of_injected);
                }
                p.pc = full ? 1 : me == 0 && kind == fences::asymmetric ? 2 : 3;
                return emit(s);
            case 1:
                s.m.fence(me);
                p.pc = 3;
                return emit(s);
            case 2:  // announce reads the sleepers, and wake_one reads them again
                return load(s, me, sleeping, false, [&](state& next, std::uint8_t sleepers) {
                    next.p[me].pc = 3;
                    if (sleepers == 0) published(next, me);
                    emit(next);
                });
            case 3:
                return load(s, me, sleeping, false, [&](state& next, std::uint8_t sleepers) {
                    next.p[me].pc = 4;
                    if (sleepers == 0) published(next, me);
                    emit(next);
                });
            case 4:  // any sleeper may be chosen
                for (unsigned worker = 0; worker != workers; ++worker)
                    if (s.listed[worker] != 0) {
                        state next = s;
                        list(next, me, worker, false);
                        next.p[me].chosen = static_cast<std::uint8_t>(worker);
                        next.p[me].pc = 5;
                        emit(next);
                    }
                if (s.listed == decltype(s.listed){}) {
                    published(s, me);
                    emit(s);
                }
                return;
            case 5:
                s.token[p.chosen] = 1;
                published(s, me);
                return emit(s);
        }
    }

    template <class Emit>
    void work(const state& before, unsigned me, Emit emit) const {
        const unsigned self = me - 2;
        state s = before;
        thread& p = s.p[me];
        const auto look = [&](word w, auto then) { load(s, me, w, true, then); };
        switch (p.pc) {
            case 20:  // takes and runs an item
                if (s.queued != 0) {
                    state next = s;
                    next.m.lock(me, of_injected);
                    if (--next.queued == 0) next.m.store(me, injected, 0, true);
                    next.m.unlock(me, of_injected);
                    emit(next);
                }
                if (s.m.newest_value(top) != s.m.newest_value(bottom)) {
                    state next = s;
                    next.m.exchange(me, top, plus(s.m.newest_value(top), 1));
                    emit(next);
                }
                if (s.queued != 0 || s.m.newest_value(top) != s.m.newest_value(bottom)) return;
                // Nothing: a queue that seemed to hold work is empty. (The other one has work that may not be visible
                // yet.)
                s.m.read(me, top, s.m.newest(top), false);
                s.m.read(me, injected, s.m.newest(injected), false);
                p.pc = 21;
                return emit(s);
            case 21:
                list(s, me, self, true);
                p.pc = kind == fences::none || kind == fences::publish_only ? 23 : 22;
                return emit(s);
            case 22:
                if (kind == fences::asymmetric) return membarrier(s, me, done, 23, emit);
                s.m.fence(me);
                p.pc = 23;
                return emit(s);
            case 23:
                if (!polls_again) {
                    p.pc = 27;
                    return emit(s);
                }
                return look(injected, [&](state& next, std::uint8_t any) {
                    next.p[me].pc = any != 0 ? 28 : 24;
                    emit(next);
                });
            case 24:
                return look(bottom, [&](state& next, std::uint8_t b) {
                    next.p[me].b = b;
                    next.p[me].pc = 25;
                    emit(next);
                });
            case 25:
                return look(top, [&](state& next, std::uint8_t t) {
                    next.p[me].b = 0;
                    next.p[me].pc = p.b > t ? 28 : 27;
                    emit(next);
                });
            case 27:
                if (s.token[self] == 0) return;
                s.token[self] = 0;
                p.pc = 28;
                return emit(s);
            case 28:
                list(s, me, self, false);
                p.pc = 20;
                return emit(s);
        }
    }
};

}  // namespace models
