// The shared lock between processes: claims, sharers, hand-over, cancelled waiters, rings, death at every step.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>

#include "models/mortal_processes.hpp"
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
    static constexpr std::uint8_t done = mortal_processes::done;
    static constexpr std::uint8_t none = mortal_processes::none;
    static constexpr unsigned max_processes = mortal_processes::max_processes;

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
        if (!mortal_processes::all_ended(s)) return false;
        if (lock_word{value_numbers::value(s.word)}.state() != lock_word::phase::free)
            throw std::string("held, claimed or granted at the end");
        for (const std::uint16_t n : s.sharers)
            if (n != 0) throw std::string("shared at the end");
        return true;
    }

    template <class Emit>
    void step(const state& s, Emit emit) const {
        mortal_processes::step(*this, s, emit);
    }

private:
    friend mortal_processes;
    // The place of a process in the operation, and that of the recovery.
    enum pc : std::uint8_t {
        barging,
        ringing_others,
        waking_claimant,
        announcing,
        checking,
        waking_claimant_asleep,
        asleep,
        leaving,
        passing_grant,
        passing_ring,
        inside_lock,
        ringing,
        granting,
        checking_grantee,
        ringing_grantee,
        revoking,
        waking_last_claimant,
        unlocked,
        withdrawing,
        unclaiming,
        ringing_withdrawn
    };
    enum recovery_step : std::uint8_t {
        forgetting,
        dropping_shares,
        unlocking,
        finding_grantee,
        checking_grant,
        revoking_grant,
        notifying
    };
    [[nodiscard]] bool dies(state& s, std::uint8_t i) const {
        if (s.p[i].inside != 0 && owns(i)) s.touched = 1;
        return true;
    }
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
            case barging:
                if (const auto r = attempt(s, me, false))
                    p.pc = *r == entered        ? inside_lock
                           : *r == unclaimed    ? ringing_others
                           : *r == blocked_last ? waking_claimant
                                                : announcing;
                break;
            case ringing_others:  // the claim may have kept sharers out
                ring_each(s, me);
                p.pc = announcing;
                break;
            case waking_claimant:
                if (wake_claimant(s, me)) p.pc = announcing;
                break;
            case announcing:
                p.interest = 1;
                p.pc = checking;
                break;  // the interest is published: try once more
            case checking:
                if (const auto r = attempt(s, me, true))
                    p.pc = *r == entered ? leaving : *r == blocked_last ? waking_claimant_asleep : asleep;
                break;
            case waking_claimant_asleep:
                if (wake_claimant(s, me)) p.pc = asleep;
                break;
            case asleep:
                if (p.pending_bits != 0) {
                    state n = s;
                    n.p[me].pending_bits = 0;
                    n.p[me].pc = checking;
                    emit(n);
                }
                p.pc = withdrawing;  // or the wait is cancelled
                break;
            case leaving:
                p.interest = 0;
                p.pc = passing_grant;
                break;  // taken: this process waits no more
            case passing_grant:
                if (run(s, me, [&](core, grants g) { return g.revoke_grant(id(me)); })) p.pc = passing_ring;
                break;
            case passing_ring:
                if (const auto free = run(s, me, [](core, grants g) { return g.available(); })) {
                    if (*free) ring_each(s, me);
                    p.pc = p.inside != 0 ? std::uint8_t{inside_lock} : done;
                }
                break;
            case inside_lock:
                if (!owns(me)) {
                    if (const auto last = run(s, me, [](core c, grants) { return c.unlock_shared(); })) {
                        p.inside = 0;
                        p.pc = *last ? waking_last_claimant : unlocked;
                    }
                    break;
                }
                if (grants_often)
                    for (std::uint8_t i = 0; i != max_processes; ++i)
                        if (i != me && s.p[i].interest != 0) {
                            state n = s;
                            n.p[me].to = i;
                            n.p[me].pc = granting;
                            emit(n);
                        }
                if (!run(s, me, [](core, grants g) { return g.unlock(); }).value_or(false))
                    throw std::string("not unlocked");
                p.inside = 0;
                p.pc = ringing;
                break;
            case ringing:
                ring_each(s, me);
                again(p);
                break;
            case granting:
                if (!run(s, me, [&](core, grants g) { return g.grant(id(p.to)); }).value_or(false))
                    throw std::string("not granted");
                p.inside = 0;
                p.pc = checking_grantee;
                break;
            case checking_grantee: p.pc = s.p[p.to].interest != 0 && s.dead != p.to ? ringing_grantee : revoking; break;
            case ringing_grantee:
                s.p[p.to].pending_bits = 1;
                again(p);
                break;
            case revoking:
                if (const auto revoked = run(s, me, [&](core, grants g) { return g.revoke_grant(id(p.to)); })) {
                    if (*revoked)
                        p.pc = ringing;
                    else
                        again(p);
                }
                break;
            case waking_last_claimant:
                if (wake_claimant(s, me)) again(p);
                break;
            case unlocked: again(p); break;
            case withdrawing:  // cancelled: take back a claim, pass a grant or ring on
                if (p.claimed == 0)
                    p.pc = leaving;
                else if (run(s, me, [](core c, grants) {
                             c.unclaim();
                             return true;
                         })) {
                    p.claimed = 0;
                    p.pc = unclaiming;
                }
                break;
            case unclaiming:
                p.interest = 0;
                p.pc = ringing_withdrawn;
                break;
            case ringing_withdrawn:
                ring_each(s, me);
                p.pc = passing_grant;
                break;
        }
        emit(s);
    }
    static void again(process& p) {
        p.to = 0;
        --p.rounds;
        p.pc = p.rounds == 0 ? done : std::uint8_t{barging};
    }

    /// One access of the supervisor, as in object_table::recover.
    void recover(state& s) const {
        const std::uint8_t dead = s.dead;
        const auto run_recovery = [&](auto operation) { return run(s, s.recovery_log, 0, operation); };
        switch (s.recovery_pc) {
            case forgetting:
                s.p[dead].interest = 0;
                s.recovery_pc = dropping_shares;
                break;
            case dropping_shares:
                s.recovery_pc = unlocking;
                if (!run_recovery([&](core c, grants) {
                        c.recover_sharers(id(dead));
                        return true;
                    }))
                    s.recovery_pc = dropping_shares;
                else if (!owns(dead))
                    s.p[dead].inside = 0;
                break;
            case unlocking:
                if (!run_recovery([&](core, grants g) {
                        g.recover(id(dead));
                        return true;
                    }))
                    break;
                s.p[dead].inside = 0;
                s.recovery_pc = finding_grantee;
                break;
            case finding_grantee:
                if (const auto to = run_recovery([](core, grants g) { return g.grantee(); })) {
                    s.recovery_to = *to ? static_cast<std::uint8_t>((*to)->slot) : none;
                    s.recovery_pc = *to ? checking_grant : notifying;
                }
                break;
            case checking_grant: s.recovery_pc = s.p[s.recovery_to].interest == 0 ? revoking_grant : notifying; break;
            case revoking_grant:
                if (run_recovery([&](core, grants g) { return g.revoke_grant(id(s.recovery_to)); }))
                    s.recovery_pc = notifying;
                break;
            default: mortal_processes::end_recovery(s);
        }
    }
};

}  // namespace models
