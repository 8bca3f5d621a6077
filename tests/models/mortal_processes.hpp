// What the models of objects between processes share: processes of which one may die, and a supervisor.
#pragma once

#include <cstdint>

namespace models {

/// The state of such a model has the processes `p`, each with its place `pc` in the operation, and says in `dead` which
/// one has died and not been recovered from, and in `deaths` how many have died.
struct mortal_processes {
    static constexpr std::uint8_t done = 99;  // the place of a process that has ended
    static constexpr std::uint8_t none = 99;  // no process
    static constexpr unsigned max_processes = 3;

    template <class State>
    [[nodiscard]] static bool all_ended(const State& s) {
        for (const auto& p : s.p)
            if (p.pc != done) return false;
        return s.dead == none;
    }

    /// Every next state: a step of a process that runs; its death, once, if `model.dies` says so, which also notes what
    /// the death leaves behind; a step of the recovery.
    template <class Model, class State, class Emit>
    static void step(const Model& model, const State& s, Emit emit) {
        for (std::uint8_t i = 0; i != max_processes; ++i) {
            if (s.p[i].pc == done || s.dead == i) continue;
            model.advance(s, i, emit);
            if (s.deaths != 0) continue;
            State d = s;
            d.dead = i;
            d.deaths = 1;
            if (model.dies(d, i)) emit(d);
        }
        if (s.dead == none) return;
        State n = s;
        model.recover(n);
        emit(n);
    }

    /// The recovery is complete: each process that waits looks again.
    template <class State>
    static void end_recovery(State& s) {
        for (auto& p : s.p)
            p.pending_bits = 1;
        s.p[s.dead] = {};
        s.p[s.dead].pc = done;
        s.dead = none;
    }
};

}  // namespace models
