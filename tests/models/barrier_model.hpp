// The barrier, and the wait for a change of a block's word: phases, an action, cancelled waits, rings, abort, death at
// every step.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <cadre/detail/state/barrier_phase.hpp>

#include "models/mortal_processes.hpp"
#include "models/replayed_word.hpp"

namespace models {

/// Two or three processes with one participant each that pass a few phases. A waiter continues only when rung, so a
/// lost wake-up is a state without an end. One process may die; the others wait until one of them aborts the barrier,
/// which it does only after the recovery. Runs barrier_core; parking and ringing mirror shared_object::park,
/// plane_block::notify and the ring after a recovery.
struct barrier_model {
    static constexpr std::uint8_t done = mortal_processes::done;
    static constexpr std::uint8_t none = mortal_processes::none;
    static constexpr unsigned max_processes = mortal_processes::max_processes;

    unsigned processes = 2;
    std::uint8_t phases = 2;
    bool action = true;
    bool mortal = true;  // without deaths no ring of a recovery makes good for a lost one
    bool cancels = false;  // whether each process may cancel a wait once; it arrives again

    struct process {
        history log;
        std::uint8_t pc, phase, rung, interest, ring_next, after_rings, passed, cancelled;
    };
    struct state {
        std::uint16_t word, unused;
        std::array<process, max_processes> p;
        std::array<std::uint8_t, 4> actions;  // by phase
        std::uint8_t dead, deaths, aborted, recovery_pc;
    };

    [[nodiscard]] state initial() const {
        state s{};
        s.dead = none;
        s.word = value_numbers::of(word::make(0, processes, 0, false).raw);
        for (unsigned i = processes; i != max_processes; ++i)
            s.p[i].pc = done;
        return s;
    }
    [[nodiscard]] bool ended(const state& s) const {
        if (!mortal_processes::all_ended(s)) return false;
        if (s.deaths == 0 && word{value_numbers::value(s.word)}.phase() != phases)
            throw std::string("not all phases have ended");
        return true;
    }

    template <class Emit>
    void step(const state& s, Emit emit) const {
        mortal_processes::step(*this, s, emit);
    }

private:
    friend mortal_processes;
    [[nodiscard]] bool dies(const state&, std::uint8_t) const { return mortal; }
    using word = cadre::detail::barrier_word;
    using core = cadre::detail::barrier_core<replayed_word>;
    using result = core::step;
    enum pc : std::uint8_t {
        arriving,
        acting,
        completing,
        ringing,
        announcing,
        checking,
        asleep,
        leaving,
        withdrawing
    };

    template <class Operation>
    static auto run(state& s, std::uint8_t me, Operation operation) {
        return run_step_on(s.word, s.p[me].log, [&](replayed_word& w) { return operation(core(w), w); });
    }

    // Rings the others that wait, one a step, then goes on.
    static void ring(process& p, pc then) {
        p.ring_next = 0;
        p.after_rings = then;
        p.pc = ringing;
    }
    void passed(state& s, std::uint8_t me) const {
        process& p = s.p[me];
        ++p.passed;
        for (unsigned i = 0; i != processes; ++i)  // nobody is a phase ahead of one that has not arrived
            if (s.p[i].phase < p.passed) throw std::string("a participant passes before another has arrived");
        if (action && s.actions[p.passed - 1] != 1) throw std::string("a phase ends without its action, or with two");
        p.pc = p.passed == phases ? std::uint8_t{done} : std::uint8_t{arriving};
    }
    // `phase` counts the arrivals of a process; those taken back do not count.
    template <class Emit>
    void advance(const state& before, std::uint8_t me, Emit emit) const {
        state s = before;
        process& p = s.p[me];
        switch (p.pc) {
            case arriving: {
                const auto a = run(s, me, [&](core c, replayed_word&) { return pack(c.arrive(action, false)); });
                if (!a) break;
                const auto what = static_cast<result>(*a >> 32);
                if (what == result::too_many) throw std::string("too many arrivals");
                if (what == result::broken) {
                    p.pc = done;
                    break;
                }
                if (static_cast<std::uint32_t>(*a) != p.passed) throw std::string("an arrival counts in another phase");
                p.phase = static_cast<std::uint8_t>(p.passed + 1);
                if (what == result::completing)
                    p.pc = acting;
                else if (what == result::ended)
                    ring(p, checking);
                else
                    p.pc = announcing;
                break;
            }
            case acting:
                ++s.actions[word{value_numbers::value(s.word)}.phase()];
                p.pc = completing;
                break;
            case completing:
                if (const auto next = run(s, me, [](core c, replayed_word&) { return c.complete(); })) {
                    if (*next == result::broken)
                        p.pc = done;
                    else
                        ring(p, *next == result::completing ? acting : checking);
                }
                break;
            case ringing:
                if (p.ring_next != me && s.p[p.ring_next].interest != 0) s.p[p.ring_next].rung = 1;
                if (++p.ring_next == processes) {
                    p.ring_next = 0;
                    p.pc = p.after_rings;
                }
                break;
            case announcing:
                p.interest = 1;
                p.pc = checking;
                break;
            case checking: {
                const auto raw = run(s, me, [](core, replayed_word& w) { return w.load(); });
                if (!raw) break;
                if (word{*raw}.ended(p.passed))
                    p.pc = leaving;
                else if (word{*raw}.broken())
                    p.pc = done;
                else
                    p.pc = p.interest != 0 ? asleep : announcing;
                break;
            }
            case asleep:
                if (p.rung != 0) {
                    p.rung = 0;
                    p.pc = checking;
                } else if (s.deaths != 0 && s.dead == none && s.aborted == 0) {  // it knows of the death
                    s.aborted = 1;
                    replayed_word w(value_numbers::value(s.word));
                    core(w).abort();
                    s.word = value_numbers::of(w.load());
                    ring(p, checking);
                } else if (cancels && p.cancelled == 0) {
                    p.cancelled = 1;
                    p.pc = withdrawing;
                } else {
                    return;
                }
                break;
            case withdrawing: {
                const auto taken_back =
                    run(s, me, [&](core c, replayed_word&) { return c.withdraw(p.passed) ? 1 : 2; });
                if (!taken_back) break;
                if (*taken_back == 2) {
                    p.pc = checking;
                    break;
                }
                p.interest = 0;
                p.pc = arriving;
                if (word{value_numbers::value(s.word)}.open_phase() == p.passed)
                    p.phase = p.passed;
                else  // the action was running: the arrival counts, and the next one is for the next phase
                    p.pc = ++p.passed == phases ? std::uint8_t{done} : std::uint8_t{arriving};
                break;
            }
            case leaving:
                p.interest = 0;
                passed(s, me);
                break;
        }
        emit(s);
    }
    static std::uint64_t pack(core::arrival a) noexcept {
        return (std::uint64_t{static_cast<std::uint8_t>(a.what)} << 32) | a.phase;
    }

    void recover(state& s) const {
        if (s.recovery_pc == 0) {
            s.p[s.dead].interest = 0;
            s.recovery_pc = 1;
            return;
        }
        for (unsigned i = 0; i != processes; ++i)
            if (s.p[i].interest != 0) s.p[i].rung = 1;
        const std::uint8_t phase = s.p[s.dead].phase;
        s.p[s.dead] = process{};
        s.p[s.dead].phase = phase;
        s.p[s.dead].pc = done;
        s.dead = none;
    }
};

}  // namespace models
