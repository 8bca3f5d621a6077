// The condition variable between processes: notifications, cancelled waiters, rings, death at every step.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "models/mortal_processes.hpp"
#include "models/replayed_word.hpp"

#include "state/condition_word.hpp"

namespace models {

/// The first process notifies one waiter at a time, `notifications` times; each of the others waits once. One may die.
/// Runs condition_word; waiting, ringing and the choice of a process mirror plane_condition in shm/plane_locks.cpp. If
/// no wait can be cancelled, the first process notifies until every waiter has been notified, so a lost wake-up is a
/// state without an end.
struct condition_model {
    using core = cadre::detail::condition_word<replayed_word>;
    static constexpr std::uint8_t done = mortal_processes::done;
    static constexpr std::uint8_t none = mortal_processes::none;
    static constexpr unsigned max_processes = mortal_processes::max_processes;

    struct process {
        history log;
        std::uint8_t pc, pending_bits, interest, unused;
    };
    struct state {
        history recovery_log;
        std::array<std::uint16_t, max_processes> words;
        std::uint8_t dead, deaths, recovery_pc, left;
        std::uint8_t notifications, given, taken, discarded, to, unused;
        std::array<process, max_processes> p;
    };

    unsigned waiters = 2;
    std::uint8_t notifications = 1;
    bool cancels = true;

    [[nodiscard]] state initial() const {
        state s{};
        s.dead = none;
        s.notifications = notifications;
        for (unsigned i = 0; i != max_processes; ++i)
            s.p[i].pc = i == 0 ? std::uint8_t{choosing} : i <= waiters ? std::uint8_t{entering} : done;
        return s;
    }
    [[nodiscard]] bool ended(const state& s) const {
        if (!mortal_processes::all_ended(s)) return false;
        for (const std::uint16_t w : s.words)
            if (w != 0) throw std::string("waiters or notifications are left");
        if (s.given != s.taken + s.discarded) throw std::string("a notification was lost or made");
        return true;
    }

    template <class Emit>
    void step(const state& s, Emit emit) const {
        mortal_processes::step(*this, s, emit);
    }

private:
    friend mortal_processes;
    // The place of a process in the operation.
    enum pc : std::uint8_t {
        entering,
        announcing,
        checking,
        asleep,
        leaving,
        withdrawing,
        choosing,
        granting,
        ringing
    };
    [[nodiscard]] static bool dies(const state&, std::uint8_t i) { return i != 0; }  // the parent notifies and recovers
    /// One access of an operation on the word of `whose`.
    template <class Operation>
    static auto run(state& s, history& log, std::uint8_t whose, Operation operation) {
        return run_step_on(s.words[whose], log, [&](replayed_word& word) { return operation(core(word)); });
    }

    template <class Emit>
    void advance(const state& before, std::uint8_t me, Emit emit) const {
        state s = before;
        process& p = s.p[me];
        const auto mine = [&](auto operation) { return run(s, p.log, me, operation); };
        switch (p.pc) {
            case entering:
                if (mine([](core c) {
                        c.enter();
                        return true;
                    }))
                    p.pc = announcing;
                break;
            case announcing:
                p.interest = 1;
                p.pc = checking;
                break;
            case checking:
                if (const auto taken = mine([](core c) { return c.take(); })) {
                    s.taken = static_cast<std::uint8_t>(s.taken + (*taken ? 1 : 0));
                    p.pc = *taken ? leaving : asleep;
                }
                break;
            case asleep:
                if (p.pending_bits != 0) {
                    state n = s;
                    n.p[me].pending_bits = 0;
                    n.p[me].pc = checking;
                    emit(n);
                }
                if (!cancels) return;
                p.pc = withdrawing;  // or the wait is cancelled
                break;
            case leaving:
                p.interest = 0;
                p.pc = done;
                break;
            case withdrawing:
                if (const auto withdrawn = mine([](core c) { return c.withdraw(); })) {
                    s.taken = static_cast<std::uint8_t>(s.taken + (*withdrawn ? 0 : 1));
                    p.pc = leaving;
                }
                break;
            case choosing:  // a wait that nobody can cancel is notified in the end
                for (std::uint8_t i = 1; i != max_processes; ++i)
                    if (s.p[i].interest != 0) {
                        state n = s;
                        n.to = i;
                        n.p[me].pc = granting;
                        emit(n);
                    }
                if (!cancels) {
                    for (std::uint8_t i = 1; i != max_processes; ++i)
                        if (s.p[i].pc != done) return;
                }
                p.pc = done;
                break;
            case granting:
                if (const auto given = run(s, p.log, s.to, [](core c) { return c.grant(1); })) {
                    s.given = static_cast<std::uint8_t>(s.given + *given);
                    p.pc = *given != 0 ? ringing : choosing;
                }
                break;
            case ringing:
                s.p[s.to].pending_bits = 1;
                if (cancels) --s.notifications;
                p.pc = s.notifications != 0 ? std::uint8_t{choosing} : done;
                break;
        }
        emit(s);
    }

    /// One access of the supervisor, as in object_table::recover.
    static void recover(state& s) {
        const std::uint8_t dead = s.dead;
        if (s.recovery_pc == 0) {
            s.p[dead].interest = 0;
            s.recovery_pc = max_processes;
        } else if (s.recovery_pc == max_processes) {
            if (const auto left = run(s, s.recovery_log, dead, [](core c) { return c.clear(); })) {
                s.left = static_cast<std::uint8_t>(*left);
                s.recovery_pc = max_processes + 1;
            }
        } else if (const unsigned at = s.recovery_pc - (max_processes + 1u); at != max_processes && s.left != 0) {
            const auto given =
                run(s, s.recovery_log, static_cast<std::uint8_t>(at), [&](core c) { return c.grant(s.left); });
            if (!given) return;
            s.left = static_cast<std::uint8_t>(s.left - *given);
            ++s.recovery_pc;
        } else {
            s.discarded = static_cast<std::uint8_t>(s.discarded + s.left);
            s.left = 0;
            mortal_processes::end_recovery(s);
        }
    }
};

}  // namespace models
