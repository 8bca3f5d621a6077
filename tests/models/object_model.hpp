// An object of the object table: references of processes and messages, freeing, reuse of its entry, death at every
// step.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "models/replayed_word.hpp"

#include "shm/object_life.hpp"

namespace models {

/// The owner of the arena makes an object, sends a handle of it in a message, drops its own, and later makes another
/// object in the same entry. A second process receives the handle and uses the object. A third one has the name that a
/// dead process left, and tries to use the object at any time. One of them may die at every step and is recovered. Runs
/// object_life; what is around it mirrors object_table and plane_channel: a message is one step, queued or not. A count
/// that a death has left too high while others had the object is corrected by the next recovery.
struct object_model {
    static constexpr std::uint8_t processes = 3;
    static constexpr std::uint8_t owner = 0, receiver = 1, late = 2;
    static constexpr std::uint8_t none = 99;
    static constexpr std::uint8_t done = 99;
    static constexpr std::uint8_t somebody_else = 98;  // the dead process of a later recovery

    bool sends = true;  // whether the owner sends a handle, and there is a receiver
    bool stale = true;  // whether the third process is there
    bool mortal = true;

    enum where : std::uint8_t { unsent, queued, received };
    struct process {
        history log;
        std::uint8_t pc;
        std::uint8_t uses;  // the incarnation of the object that it has acquired
        std::uint8_t frees;  // the incarnation of the object that it looks at, or frees
        std::uint8_t unused;
    };
    struct state {
        history recovery_log;
        std::array<process, processes> p;
        std::uint16_t word, changes, presence, in_transit, counted, found_counted, found_changes;
        std::uint8_t message, dead, deaths, recovery_pc, recovered, unused;
    };

    [[nodiscard]] state initial() const {
        state s{};
        s.dead = none;
        s.word = value_numbers::of(object_word::make(1, kind, phase::live).raw);
        s.presence = value_numbers::of(1);
        s.p[owner].uses = 1;
        if (!sends) {
            s.p[owner].pc = 20;
            s.p[receiver].pc = done;
        }
        if (!stale) s.p[late].pc = done;
        return s;
    }
    [[nodiscard]] bool ended(const state& s) const {
        if (!idle(s) || left_to_later_recovery(s)) return false;
        if (word_of(s).phase() != phase::free) throw std::string("an object that nobody frees");
        return true;
    }

    template <class Emit>
    void step(const state& s, Emit emit) const {
        check(s);
        for (std::uint8_t i = 0; i != processes; ++i) {
            if (s.p[i].pc == done || s.dead == i) continue;
            advance(s, i, emit);
            if (mortal && s.deaths == 0) {
                state d = s;
                d.dead = i;
                d.deaths = 1;
                d.p[i].uses = 0;
                emit(d);
            }
        }
        if (s.dead != none) {
            state n = s;
            recover(n);
            emit(n);
        } else if (idle(s) && left_to_later_recovery(s)) {
            state n = s;
            n.dead = somebody_else;
            n.recovery_pc = 5;
            emit(n);
        }
    }

private:
    [[nodiscard]] static bool idle(const state& s) {
        for (const process& p : s.p)
            if (p.pc != done) return false;
        return s.dead == none;
    }
    [[nodiscard]] static bool left_to_later_recovery(const state& s) {
        return s.deaths != 0 && word_of(s).phase() == phase::live && s.message != queued &&
               value_numbers::value(s.counted) != 0;
    }

    using object_word = cadre::detail::shm::object_word;
    using object_ref = cadre::detail::shm::object_ref;
    using phase = cadre::detail::shm::object_phase;
    static constexpr auto kind = cadre::detail::shm::object_kind::block;
    static constexpr unsigned supervisor = 7;

    struct slots {
        replayed_word* word;
        void insert(unsigned slot) noexcept { word->fetch_or(std::uint64_t{1} << slot); }
        void erase(unsigned slot) noexcept { word->fetch_and(~(std::uint64_t{1} << slot)); }
        [[nodiscard]] bool empty() const noexcept { return word->load() == 0; }
    };
    using life = cadre::detail::shm::object_life<slots, replayed_word, replay_probe>;

    // The words as the code sees them, for one step.
    struct memory {
        replayed_word word, changes, presence, in_transit, counted;

        explicit memory(const state& s) noexcept
            : word(value_numbers::value(s.word)), changes(value_numbers::value(s.changes)),
              presence(value_numbers::value(s.presence)), in_transit(value_numbers::value(s.in_transit)),
              counted(value_numbers::value(s.counted)) {}
        void save(state& s) const {
            s.word = value_numbers::of(word.load());
            s.changes = value_numbers::of(changes.load());
            s.presence = value_numbers::of(presence.load());
            s.in_transit = value_numbers::of(in_transit.load());
            s.counted = value_numbers::of(counted.load());
        }
    };
    template <class Operation>
    static auto run(state& s, history& log, Operation operation) {
        memory m(s);
        life l(m.word, m.changes, m.in_transit, m.counted, slots{&m.presence});
        const auto result = run_step(log, [&] { return operation(l, m); });
        m.save(s);
        return result;
    }

    static object_word word_of(const state& s) noexcept { return {value_numbers::value(s.word)}; }
    static object_ref object(std::uint8_t incarnation) noexcept { return {0, 0, incarnation, kind}; }

    // What is used, and what a queued message names, exists.
    static void check(const state& s) {
        const object_word w = word_of(s);
        for (const process& p : s.p)
            if (p.uses != 0 && (w.phase() != phase::live || w.incarnation() != p.uses))
                throw std::string("an object is freed that is in use");
        if (s.message == queued && (w.phase() != phase::live || w.incarnation() != 1))
            throw std::string("an object is freed that a message names");
    }

    /// As object_table::free_entry_if_unused, in three parts. @return whether it is complete
    static bool free_if_unused(state& s, history& log, std::uint8_t& frees, unsigned self) {
        if (frees == 0) {
            const auto found = run(s, log, [](life& l, memory&) { return l.live(); });
            if (found && *found) frees = static_cast<std::uint8_t>((*found)->incarnation());
            return found && !*found;
        }
        if (word_of(s).phase() != phase::freeing || word_of(s).slot() != self || log != 0) {
            const auto begun = run(s, log, [&](life& l, memory&) { return l.begin_freeing(object(frees), self); });
            if (begun && !*begun) frees = 0;
            return begun && !*begun;
        }
        return finish_freeing(s, log, frees);
    }
    static bool finish_freeing(state& s, history& log, std::uint8_t& frees) {
        if (word_of(s).phase() != phase::freeing || word_of(s).incarnation() != frees)
            throw std::string("an object is freed twice");
        const auto freed = run(s, log, [&](life& l, memory&) {
            l.mark_free(object(frees));
            return true;
        });
        if (freed) frees = 0;
        return freed.has_value();
    }

    template <class Emit>
    void advance(const state& before, std::uint8_t me, Emit emit) const {
        state s = before;
        process& p = s.p[me];
        if (p.pc >= 20)  // lets go
            let_go(s, me);
        else if (me == owner)
            own(s, emit);
        else
            acquire(s, me);
        emit(s);
    }

    // 20: clears its presence; 21: frees the object if it is unused.
    void let_go(state& s, std::uint8_t me) const {
        process& p = s.p[me];
        if (p.pc == 20) {
            const bool again = p.uses == 1;
            p.uses = 0;
            const auto cleared = run(s, p.log, [&](life& l, memory&) {
                l.clear_presence(me);
                return true;
            });
            if (cleared) p.pc = 21;
            p.unused = me == owner && again ? 1 : p.unused;
        } else if (free_if_unused(s, p.log, p.frees, me)) {
            p.pc = p.unused != 0 ? 3 : done;
            p.unused = 0;
        }
    }

    // Sends a handle and lets go of the object; 3 to 8: makes the next one.
    template <class Emit>
    void own(state& s, Emit emit) const {
        process& p = s.p[owner];
        const auto set = [&](auto operation) {
            if (run(s, p.log, [&](life&, memory& m) {
                    operation(m);
                    return true;
                }))
                ++p.pc;
        };
        switch (p.pc) {
            case 0:
                if (run(s, p.log, [](life& l, memory& m) {
                        l.increment(m.counted);
                        return true;
                    }))
                    p.pc = 1;
                break;
            case 1:
                s.message = queued;
                p.pc = 20;
                break;
            case 3:
                if (word_of(s).phase() != phase::free) {  // no other object is made
                    state n = s;
                    n.p[owner].pc = done;
                    emit(n);
                    break;
                }
                set([](memory& m) {
                    m.word.store(
                        object_word::make(2, cadre::detail::shm::object_kind::none, phase::freeing, owner).raw);
                });
                break;
            case 4: set([](memory& m) { m.in_transit.store(0); }); break;
            case 5: set([](memory& m) { m.presence.store(0); }); break;
            case 6: set([](memory& m) { m.presence.fetch_or(1u << owner); }); break;
            case 7: set([](memory& m) { m.counted.store(0); }); break;
            case 8:
                set([](memory& m) { m.word.store(object_word::make(2, kind, phase::live).raw); });
                if (p.pc == 9) {
                    p.uses = 2;
                    p.pc = 20;
                }
                break;
        }
    }

    void acquire(state& s, std::uint8_t me) const {
        process& p = s.p[me];
        switch (p.pc) {
            case 0:
                if (me == receiver && s.message != queued) {
                    if (s.message == unsent && (s.p[owner].pc == done || s.dead == owner)) p.pc = done;
                    return;
                }
                if (const auto acquired =
                        run(s, p.log, [&](life& l, memory&) { return l.set_presence(object(1), me); })) {
                    if (!*acquired && me == receiver)
                        throw std::string("a message names an object that does not exist");
                    p.uses = *acquired ? 1 : 0;
                    p.pc = !*acquired ? 21 : me == receiver ? 1 : 20;
                }
                return;
            case 1:
                s.message = received;
                p.pc = 2;
                return;
            case 2:
                if (run(s, p.log, [](life& l, memory& m) {
                        l.decrement(m.counted);
                        return true;
                    }))
                    p.pc = 20;
                return;
        }
    }

    /// One access of the supervisor, as in object_table::recover and in free_miscounted of crash_recovery.cpp.
    void recover(state& s) const {
        const std::uint8_t dead = s.dead;
        std::uint8_t& o = s.recovered;
        const auto run_recovery = [&](auto operation) { return run(s, s.recovery_log, operation); };
        switch (s.recovery_pc) {
            case 0:
                if (word_of(s).phase() == phase::free) {
                    s.recovery_pc = 5;
                    break;
                }
                o = static_cast<std::uint8_t>(word_of(s).incarnation());
                s.recovery_pc = 1;
                break;
            case 1:
                s.recovery_pc = word_of(s).phase() == phase::freeing && word_of(s).slot() == dead ? 2 : 3;
                if (s.recovery_pc == 2) o = static_cast<std::uint8_t>(word_of(s).incarnation());
                break;
            case 2:
                if (finish_freeing(s, s.recovery_log, o)) s.recovery_pc = 5;
                break;
            case 3:
                if (const auto set =
                        run_recovery([&](life& l, memory&) { return l.set_presence(object(o), supervisor); }))
                    s.recovery_pc = *set ? 7 : 4;
                break;
            case 7:
                if (run_recovery([&](life& l, memory&) {
                        l.clear_presence(dead);
                        l.clear_presence(supervisor);
                        return true;
                    }))
                    s.recovery_pc = 8;
                break;
            case 4:
                if (run_recovery([&](life& l, memory&) {
                        l.clear_presence(dead);
                        return true;
                    }))
                    s.recovery_pc = 8;
                break;
            case 8:
                if (s.recovery_log == 0 && o != 0 && s.unused == 0) {
                    s.unused = 1;
                    o = 0;
                }
                if (free_if_unused(s, s.recovery_log, o, supervisor)) {
                    s.unused = 0;
                    s.recovery_pc = 5;
                }
                break;
            case 5:  // only queued messages refer to it, by the count?
                if (const auto found = run_recovery([&](life& l, memory&) { return l.find_queued_only(object(1)); })) {
                    s.recovery_pc = *found ? 6 : 10;
                    if (*found) {
                        s.found_counted = value_numbers::of((*found)->queued);
                        s.found_changes = value_numbers::of((*found)->changes);
                    }
                }
                break;
            case 6: s.recovery_pc = s.message == queued ? 10 : 9; break;
            case 9: {
                const life::queued_only found{value_numbers::value(s.found_counted),
                                              value_numbers::value(s.found_changes)};
                if (const auto cleared = run_recovery([&](life& l, memory&) { return l.clear_queued(found); })) {
                    o = 0;
                    s.recovery_pc = *cleared ? 11 : 10;
                }
                break;
            }
            case 11:
                if (free_if_unused(s, s.recovery_log, o, supervisor)) s.recovery_pc = 10;
                break;
            default:
                if (dead != somebody_else) {  // a message that was not received gets another receiver
                    s.p[dead] = process{};
                    s.p[dead].pc = dead == receiver && s.message != received ? 0 : done;
                }
                s.dead = none;
                s.recovery_pc = 0;
                s.recovered = 0;
                s.found_counted = s.found_changes = 0;
        }
    }
};

}  // namespace models
