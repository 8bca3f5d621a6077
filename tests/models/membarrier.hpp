// The system call membarrier in a model with weak memory.
#pragma once

#include <cstdint>

namespace models {

/// A fence of `me`, then one of every other thread at some moment, then one of `me`, after which `me` continues at
/// `next`. Threads that are done take part without an effect.
template <class State, class Emit>
void membarrier(State s, unsigned me, std::uint8_t done, std::uint8_t next, Emit emit) {
    const unsigned before = s.p[me].fenced;
    if (before == 0) s.m.fence(me);
    const auto threads = static_cast<unsigned>(s.p.size());
    const unsigned all = (1u << threads) - 1u;
    for (unsigned other = 0; other != threads; ++other) {
        const unsigned now = before | 1u << me | 1u << other;
        if (other == me || now == (before | 1u << me)) continue;
        State n = s;
        if (n.p[other].pc != done) n.m.fence(other);
        n.p[me].fenced = static_cast<std::uint8_t>(now);
        if (now == all) {
            n.m.fence(me);
            n.p[me].fenced = 0;
            n.p[me].pc = next;
        }
        emit(n);
    }
}

}  // namespace models
