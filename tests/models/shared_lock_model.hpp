// The shared lock between processes: claims, sharers, hand-over, cancelled waiters, rings, death at every step.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>

#include "models/replayed_word.hpp"

#include "shm/shared_lock_core.hpp"

namespace models {

/// Two or three processes, the first `owners` of which own the lock while the others share it, a few times; one may
/// die. A waiter continues only when rung, so a lost wake-up is a state without an end. Runs shared_lock_core and
/// lock_core; waiting and ringing mirror plane_shared_lock in shm/plane_locks.cpp.
struct shared_lock_model {
    using core = cadre::detail::shm::shared_lock_core<replay_probe, replayed_word>;
    using grants = cadre::detail::shm::lock_core<replay_probe, replayed_word>;
    using lock_word = cadre::detail::shm::lock_word;
    static constexpr std::uint8_t done = 99;
    static constexpr std::uint8_t none = 99;
    static constexpr unsigned max_processes = 3;

    struct process {
        history log;
        std::uint8_t pc, rounds, pending_bits, interest, to, inside, claimed, unused;
    };
    struct state {
        history recovery_log;
        std::uint16_t word;
        std::array<std::uint16_t, max_processes> sharers;
        std::uint8_t dead, deaths, recovery_pc, recovery_to;
        std::array<process, max_processes> p;
        std::uint32_t touched;  // an owner has died inside, and no other owner has learned of it
    };

    unsigned processes = 2;
    unsigned owners = 1;
    std::uint8_t rounds = 1;
    bool grants_often = true;

    [[nodiscard]] state initial() const {
        state s{};
        s.dead = none;
        for (unsigned i = 0; i != max_processes; ++i) {
            s.p[i].rounds = rounds;
            if (i >= processes) s.p[i].pc = done;
        }
        return s;
    }
    [[nodiscard]] bool ended(const state& s) const {
        for (const process& p : s.p)
            if (p.pc != done) return false;
        if (s.dead != none) return false;
        if (lock_word{value_numbers::value(s.word)}.state() != lock_word::phase::free)
            throw std::string("held, claimed or granted at the end");
        for (const std::uint16_t n : s.sharers)
            if (n != 0) throw std::string("shared at the end");
        return true;
    }

    template <class Emit>
    void step(const state& s, Emit emit) const {
        for (std::uint8_t i = 0; i != processes; ++i) {
            if (s.p[i].pc == done || s.dead == i) continue;
            advance(s, i, emit);
            if (s.deaths == 0) {
                state d = s;
                d.dead = i;
                d.deaths = 1;
                if (s.p[i].inside != 0 && owns(i)) d.touched = 1;
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
    enum result : std::uint8_t { entered, blocked, unclaimed, blocked_last };

    [[nodiscard]] bool owns(std::uint8_t i) const { return i < owners; }
    [[nodiscard]] static constexpr cadre::detail::shm::process_id id(std::uint8_t process) noexcept {
        return {process, 0};
    }

    // The words as the code sees them, for one step. That sharers wait is always announced.
    struct memory {
        static constexpr std::size_t header = core::bytes(0);
        alignas(64) std::byte bytes[header + max_processes * sizeof(replayed_word)];
        replayed_word lock;

        explicit memory(const state& s) noexcept : lock(value_numbers::value(s.word)) {
            new (bytes) replayed_word(1, true);
            for (unsigned i = 0; i != max_processes; ++i)
                new (bytes + header + i * sizeof(replayed_word)) replayed_word(value_numbers::value(s.sharers[i]));
        }
        void save(state& s) const {
            s.word = value_numbers::of(lock.load());
            for (unsigned i = 0; i != max_processes; ++i)
                s.sharers[i] = value_numbers::of(
                    reinterpret_cast<const replayed_word*>(bytes + header + i * sizeof(replayed_word))->load());
        }
    };
    /// One access of an operation on the lock.
    template <class Operation>
    static auto run(state& s, history& log, std::uint8_t me, Operation operation) {
        memory m(s);
        const auto result =
            run_step(log, [&] { return operation(core(m.lock, m.bytes, id(me)), grants(m.lock, id(me))); });
        m.save(s);
        return result;
    }
    template <class Operation>
    static auto run(state& s, std::uint8_t me, Operation operation) {
        return run(s, s.p[me].log, me, operation);
    }
    [[nodiscard]] static bool drained(const core& c) noexcept {
        return c.drained([](auto f) {
            for (unsigned i = 0; i != max_processes && f(i); ++i) {
            }
        });
    }

    std::optional<result> attempt(state& s, std::uint8_t me, bool waits) const {
        bool owner_died = false;
        process& p = s.p[me];
        bool claimed = p.claimed != 0;
        const auto r = run(s, me, [&](core c, grants) -> result {
            if (!owns(me)) {
                switch (c.try_lock_shared(owner_died)) {
                    case core::shared_attempt::shared: return entered;
                    case core::shared_attempt::blocked: return blocked;
                    default: return blocked_last;
                }
            }
            if (waits) {
                if (!claimed) claimed = c.claim();
                if (!claimed || !drained(c)) return blocked;
                claimed = false;
            } else {
                if (!drained(c) || !c.claim()) return blocked;
                if (!drained(c)) {
                    c.unclaim();
                    return unclaimed;
                }
            }
            if (!c.enter(owner_died)) throw std::string("not entered");
            return entered;
        });
        if (r) p.claimed = claimed ? 1 : 0;
        if (r != entered) return r;
        if ((s.touched != 0) != owner_died) throw std::string("the death of an owner is reported wrongly");
        if (owns(me)) s.touched = 0;
        for (std::uint8_t i = 0; i != max_processes; ++i)
            if (s.p[i].inside != 0 && (owns(i) || owns(me))) throw std::string("not alone inside");
        p.inside = 1;
        return r;
    }
    static void ring_each(state& s, std::uint8_t me) {
        for (std::uint8_t i = 0; i != max_processes; ++i)
            if (i != me && s.p[i].interest != 0) s.p[i].pending_bits = 1;
    }
    /// @return whether it is complete
    static bool wake_claimant(state& s, std::uint8_t me) {
        const auto claimant = run(s, me, [](core c, grants) { return c.claimant(); });
        if (claimant && *claimant) s.p[(*claimant)->slot].pending_bits = 1;
        return claimant.has_value();
    }

    template <class Emit>
    void advance(const state& before, std::uint8_t me, Emit emit) const {
        state s = before;
        process& p = s.p[me];
        switch (p.pc) {
            case 0:
                if (const auto r = attempt(s, me, false))
                    p.pc = *r == entered ? 10 : *r == unclaimed ? 7 : *r == blocked_last ? 8 : 1;
                break;
            case 7:  // the claim may have kept sharers out
                ring_each(s, me);
                p.pc = 1;
                break;
            case 8:
                if (wake_claimant(s, me)) p.pc = 1;
                break;
            case 1:
                p.interest = 1;
                p.pc = 2;
                break;  // the interest is published: try once more
            case 2:
                if (const auto r = attempt(s, me, true)) p.pc = *r == entered ? 4 : *r == blocked_last ? 9 : 3;
                break;
            case 9:
                if (wake_claimant(s, me)) p.pc = 3;
                break;
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
                break;  // taken: this process waits no more
            case 5:
                if (run(s, me, [&](core, grants g) { return g.revoke_grant(id(me)); })) p.pc = 6;
                break;
            case 6:
                if (const auto free = run(s, me, [](core, grants g) { return g.available(); })) {
                    if (*free) ring_each(s, me);
                    p.pc = p.inside != 0 ? 10 : done;
                }
                break;
            case 10:
                if (!owns(me)) {
                    if (const auto last = run(s, me, [](core c, grants) { return c.unlock_shared(); })) {
                        p.inside = 0;
                        p.pc = *last ? 16 : 17;
                    }
                    break;
                }
                if (grants_often)
                    for (std::uint8_t i = 0; i != max_processes; ++i)
                        if (i != me && s.p[i].interest != 0) {
                            state n = s;
                            n.p[me].to = i;
                            n.p[me].pc = 12;
                            emit(n);
                        }
                if (!run(s, me, [](core, grants g) { return g.unlock(); }).value_or(false))
                    throw std::string("not unlocked");
                p.inside = 0;
                p.pc = 11;
                break;
            case 11:
                ring_each(s, me);
                again(p);
                break;
            case 12:
                if (!run(s, me, [&](core, grants g) { return g.grant(id(p.to)); }).value_or(false))
                    throw std::string("not granted");
                p.inside = 0;
                p.pc = 13;
                break;
            case 13: p.pc = s.p[p.to].interest != 0 && s.dead != p.to ? 14 : 15; break;
            case 14:
                s.p[p.to].pending_bits = 1;
                again(p);
                break;
            case 15:
                if (const auto revoked = run(s, me, [&](core, grants g) { return g.revoke_grant(id(p.to)); })) {
                    if (*revoked)
                        p.pc = 11;
                    else
                        again(p);
                }
                break;
            case 16:
                if (wake_claimant(s, me)) again(p);
                break;
            case 17: again(p); break;
            case 20:  // cancelled: take back a claim, pass a grant or ring on
                if (p.claimed == 0)
                    p.pc = 4;
                else if (run(s, me, [](core c, grants) {
                             c.unclaim();
                             return true;
                         })) {
                    p.claimed = 0;
                    p.pc = 21;
                }
                break;
            case 21:
                p.interest = 0;
                p.pc = 22;
                break;
            case 22:
                ring_each(s, me);
                p.pc = 5;
                break;
        }
        emit(s);
    }
    static void again(process& p) {
        p.to = 0;
        --p.rounds;
        p.pc = p.rounds == 0 ? done : 0;
    }

    /// One access of the supervisor, as in object_table::recover.
    void recover(state& s) const {
        const std::uint8_t dead = s.dead;
        const auto run_recovery = [&](auto operation) { return run(s, s.recovery_log, 0, operation); };
        switch (s.recovery_pc) {
            case 0:
                s.p[dead].interest = 0;
                s.recovery_pc = 1;
                break;
            case 1:
                s.recovery_pc = 2;
                if (!run_recovery([&](core c, grants) {
                        c.recover_sharers(id(dead));
                        return true;
                    }))
                    s.recovery_pc = 1;
                else if (!owns(dead))
                    s.p[dead].inside = 0;
                break;
            case 2:
                if (!run_recovery([&](core, grants g) {
                        g.recover(id(dead));
                        return true;
                    }))
                    break;
                s.p[dead].inside = 0;
                s.recovery_pc = 3;
                break;
            case 3:
                if (const auto to = run_recovery([](core, grants g) { return g.grantee(); })) {
                    s.recovery_to = *to ? static_cast<std::uint8_t>((*to)->slot) : none;
                    s.recovery_pc = *to ? 4 : 6;
                }
                break;
            case 4: s.recovery_pc = s.p[s.recovery_to].interest == 0 ? 5 : 6; break;
            case 5:
                if (run_recovery([&](core, grants g) { return g.revoke_grant(id(s.recovery_to)); })) s.recovery_pc = 6;
                break;
            default:
                for (process& p : s.p)
                    p.pending_bits = 1;
                s.p[dead] = process{};
                s.p[dead].pc = done;
                s.dead = none;
        }
    }
};

}  // namespace models
