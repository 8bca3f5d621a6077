// The lock between processes: barging, hand-over, cancelled waiters, rings, death at every step.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "models/mortal_processes.hpp"
#include "models/replayed_word.hpp"

#include "shm/lock_core.hpp"

namespace models {

/// Three processes each acquire the lock a few times; one may die. A waiter continues only when rung, so a lost wake-up
/// is a state without an end. Runs lock_core itself; waiting and ringing mirror plane_lock in shm/plane_objects.cpp.
struct lock_model {
    using core = cadre::detail::shm::lock_core<replay_probe, replayed_word>;
    using lock_word = cadre::detail::shm::lock_word;
    using op_status = cadre::detail::op_status;
    static constexpr std::uint8_t done = mortal_processes::done;
    static constexpr std::uint8_t none = mortal_processes::none;
    static constexpr unsigned max_processes = mortal_processes::max_processes;

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
        if (!mortal_processes::all_ended(s)) return false;
        if (lock_word{value_numbers::value(s.word)}.state() != lock_word::phase::free)
            throw std::string("held or granted at the end");
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
        announcing,
        checking,
        asleep,
        leaving,
        passing_grant,
        passing_ring,
        inside,
        ringing,
        granting,
        checking_grantee,
        ringing_grantee,
        revoking,
        withdrawing
    };
    enum recovery_step : std::uint8_t {
        forgetting,
        unlocking,
        finding_grantee,
        checking_grant,
        revoking_grant,
        notifying
    };
    [[nodiscard]] bool dies(state& s, std::uint8_t i) const {
        if (s.p[i].inside != 0) s.touched = 1;
        return mortal;
    }
    [[nodiscard]] static constexpr cadre::detail::shm::process_id id(std::uint8_t process) noexcept {
        return {process, 0};
    }
    /// One access of an operation on the lock.
    template <class Operation>
    static auto run(state& s, history& log, std::uint8_t me, Operation operation) {
        return run_step_on(s.word, log, [&](replayed_word& word) { return operation(core(word, id(me))); });
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
            case barging:
                if (const auto taken = try_lock(s, me)) p.pc = *taken ? inside : announcing;
                break;
            case announcing:
                p.interest = 1;
                p.pc = checking;
                break;  // the interest is published: try once more
            case checking:
                if (const auto taken = try_lock(s, me)) p.pc = *taken ? leaving : asleep;
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
                if (run(s, me, [&](core lock) { return lock.revoke_grant(id(me)); })) p.pc = passing_ring;
                break;
            case passing_ring:
                if (const auto free = available(s, me)) {
                    if (*free) ring_one(s, me);
                    p.pc = p.inside != 0 ? std::uint8_t{inside} : done;
                }
                break;
            case inside:  // free the lock or grant it
                for (std::uint8_t i = 0; i != max_processes; ++i)
                    if (i != me && s.p[i].interest != 0) {
                        state n = s;
                        n.p[me].to = i;
                        n.p[me].pc = granting;
                        emit(n);
                    }
                if (!run(s, me, [](core lock) { return lock.unlock(); }).value_or(false))
                    throw std::string("not unlocked");
                p.inside = 0;
                p.pc = ringing;
                break;
            case ringing:
                if (const auto free = available(s, me)) {
                    if (*free) ring_one(s, me);
                    again(p);
                }
                break;
            case granting:
                if (!run(s, me, [&](core lock) { return lock.grant(id(p.to)); }).value_or(false))
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
                if (const auto revoked = run(s, me, [&](core lock) { return lock.revoke_grant(id(p.to)); })) {
                    if (*revoked)
                        p.pc = ringing;
                    else
                        again(p);
                }
                break;
            case withdrawing:
                p.interest = 0;
                p.pc = passing_grant;
                break;  // cancelled: pass a grant or ring on
        }
        emit(s);
    }
    static void again(process& p) {
        p.to = 0;
        --p.rounds;
        p.pc = p.rounds == 0 ? done : std::uint8_t{barging};
    }

    /// One access of the supervisor, as in object_table::recover.
    static void recover(state& s) {
        const std::uint8_t dead = s.dead;
        const auto run_recovery = [&](auto operation) { return run(s, s.recovery_log, 0, operation); };
        switch (s.recovery_pc) {
            case forgetting:
                s.p[dead].interest = 0;
                s.recovery_pc = unlocking;
                break;
            case unlocking:
                if (!run_recovery([&](core lock) {
                        lock.recover(id(dead));
                        return true;
                    }))
                    break;
                s.p[dead].inside = 0;
                s.recovery_pc = finding_grantee;
                break;
            case finding_grantee:  // the dead process may have granted the lock to one that had stopped waiting
                if (const auto to = run_recovery([](core lock) { return lock.grantee(); })) {
                    s.recovery_to = *to ? static_cast<std::uint8_t>((*to)->slot) : none;
                    s.recovery_pc = *to ? checking_grant : notifying;
                }
                break;
            case checking_grant: s.recovery_pc = s.p[s.recovery_to].interest == 0 ? revoking_grant : notifying; break;
            case revoking_grant:
                if (run_recovery([&](core lock) { return lock.revoke_grant(id(s.recovery_to)); }))
                    s.recovery_pc = notifying;
                break;
            default: mortal_processes::end_recovery(s);
        }
    }
};

}  // namespace models
