// The lock between processes: barging, hand-over, cancelled waiters, rings, death at every step.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "models/replayed_word.hpp"

#include "shm/lock_core.hpp"

namespace models {

/// Three processes each acquire the lock a few times; one may die. A waiter continues only when rung, so a lost wake-up
/// is a state without an end. Runs lock_core itself; waiting and ringing mirror plane_lock in shm/plane_objects.cpp.
struct lock_model {
    using core = cadre::detail::shm::lock_core<replay_probe, replayed_word>;
    using lock_word = cadre::detail::shm::lock_word;
    using op_status = cadre::detail::op_status;
    static constexpr std::uint8_t done = 99;
    static constexpr std::uint8_t none = 99;
    static constexpr unsigned max_processes = 3;

    struct process {
        history log;
        std::uint8_t pc, rounds, pending_bits, interest, to, inside;
        std::uint16_t unused;
    };
    struct state {
        history recovery_log;
        std::uint16_t word;
        std::uint8_t dead, deaths, recovery_pc, recovery_to;
        std::uint16_t touched;  // an owner has died inside, and no other owner has learned of it
        std::array<process, max_processes> p;
    };

    unsigned processes = 3;
    std::uint8_t rounds = 1;
    bool mortal = true;

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
            throw std::string("held or granted at the end");
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
                if (s.p[i].inside != 0) d.touched = 1;
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
    [[nodiscard]] static constexpr cadre::detail::shm::process_id id(std::uint8_t process) noexcept {
        return {process, 0};
    }
    /// One access of an operation on the lock.
    template <class Operation>
    static auto run(state& s, history& log, std::uint8_t me, Operation operation) {
        replayed_word word(value_numbers::value(s.word));
        const auto result = run_step(log, [&] { return operation(core(word, id(me))); });
        s.word = value_numbers::of(word.load());
        return result;
    }
    template <class Operation>
    static auto run(state& s, std::uint8_t me, Operation operation) {
        return run(s, s.p[me].log, me, operation);
    }
    static std::optional<bool> try_lock(state& s, std::uint8_t me) {
        bool owner_died = false;
        const auto taken = run(s, me, [&](core lock) { return lock.try_lock(owner_died) == op_status::done; });
        if (!taken || !*taken) return taken;
        if (s.touched != 0 && !owner_died) throw std::string("the death of the owner is not reported");
        s.touched = 0;
        for (const process& p : s.p)
            if (p.inside != 0) throw std::string("two inside");
        s.p[me].inside = 1;
        return true;
    }
    static std::optional<bool> available(state& s, std::uint8_t me) {
        return run(s, me, [](core lock) { return lock.available(); });
    }
    /// Rings another process that waits.
    static void ring_one(state& s, std::uint8_t me) {
        for (std::uint8_t i = 1; i != max_processes; ++i)
            if (const auto q = static_cast<std::uint8_t>((me + i) % max_processes); s.p[q].interest != 0) {
                s.p[q].pending_bits = 1;
                return;
            }
    }

    template <class Emit>
    void advance(const state& before, std::uint8_t me, Emit emit) const {
        state s = before;
        process& p = s.p[me];
        switch (p.pc) {
            case 0:  // barging
                if (const auto taken = try_lock(s, me)) p.pc = *taken ? 10 : 1;
                break;
            case 1:
                p.interest = 1;
                p.pc = 2;
                break;  // the interest is published: try once more
            case 2:
                if (const auto taken = try_lock(s, me)) p.pc = *taken ? 4 : 3;
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
                if (run(s, me, [&](core lock) { return lock.revoke_grant(id(me)); })) p.pc = 6;
                break;
            case 6:
                if (const auto free = available(s, me)) {
                    if (*free) ring_one(s, me);
                    p.pc = p.inside != 0 ? 10 : done;
                }
                break;
            case 10:  // inside: free the lock or grant it
                for (std::uint8_t i = 0; i != max_processes; ++i)
                    if (i != me && s.p[i].interest != 0) {
                        state n = s;
                        n.p[me].to = i;
                        n.p[me].pc = 12;
                        emit(n);
                    }
                if (!run(s, me, [](core lock) { return lock.unlock(); }).value_or(false))
                    throw std::string("not unlocked");
                p.inside = 0;
                p.pc = 11;
                break;
            case 11:
                if (const auto free = available(s, me)) {
                    if (*free) ring_one(s, me);
                    again(p);
                }
                break;
            case 12:
                if (!run(s, me, [&](core lock) { return lock.grant(id(p.to)); }).value_or(false))
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
                if (const auto revoked = run(s, me, [&](core lock) { return lock.revoke_grant(id(p.to)); })) {
                    if (*revoked)
                        p.pc = 11;
                    else
                        again(p);
                }
                break;
            case 20:
                p.interest = 0;
                p.pc = 5;
                break;  // cancelled: pass a grant or ring on
        }
        emit(s);
    }
    static void again(process& p) {
        p.to = 0;
        --p.rounds;
        p.pc = p.rounds == 0 ? done : 0;
    }

    /// One access of the supervisor, as in object_table::recover.
    static void recover(state& s) {
        const std::uint8_t dead = s.dead;
        const auto run_recovery = [&](auto operation) { return run(s, s.recovery_log, 0, operation); };
        switch (s.recovery_pc) {
            case 0:
                s.p[dead].interest = 0;
                s.recovery_pc = 1;
                break;
            case 1:
                if (!run_recovery([&](core lock) {
                        lock.recover(id(dead));
                        return true;
                    }))
                    break;
                s.p[dead].inside = 0;
                s.recovery_pc = 2;
                break;
            case 2:  // the dead process may have granted the lock to one that had stopped waiting
                if (const auto to = run_recovery([](core lock) { return lock.grantee(); })) {
                    s.recovery_to = *to ? static_cast<std::uint8_t>((*to)->slot) : none;
                    s.recovery_pc = *to ? 3 : 5;
                }
                break;
            case 3: s.recovery_pc = s.p[s.recovery_to].interest == 0 ? 4 : 5; break;
            case 4:
                if (run_recovery([&](core lock) { return lock.revoke_grant(id(s.recovery_to)); })) s.recovery_pc = 5;
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
