// The semaphore between processes: operations that are noted, helped and completed once, death at every step, recovery.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "models/replayed_word.hpp"

#include "shm/semaphore_core.hpp"

namespace models {

/// Two or three processes acquire permits, the first `amount` at once and the others one, and return or forget them, a
/// few times; one may die, is recovered by the supervisor and replaced. Runs semaphore_core itself; notes have
/// `NumberBits`.
template <unsigned NumberBits = 22>
struct semaphore_model {
    using permit_word = cadre::detail::shm::basic_permit_word<NumberBits>;
    using core = cadre::detail::shm::semaphore_core<replay_probe, replayed_word, permit_word>;
    using op_status = cadre::detail::op_status;
    static constexpr unsigned max_processes = 3;
    static constexpr std::uint8_t none = 99;
    static constexpr unsigned word_count = core::bytes(max_processes) / sizeof(replayed_word);

    enum activity : std::uint8_t { acquiring, dropping, done, recovering };
    struct process {
        history log;
        std::uint8_t now, rounds, owns, unused;  // owns: permits
    };
    struct state {
        std::array<std::uint16_t, word_count> words;
        std::uint8_t dead, deaths, forgotten, unused;
        std::array<process, max_processes + 1> p;
    };

    unsigned processes = 2;
    std::uint8_t rounds = 2;
    std::uint8_t permits = 1;
    std::uint8_t amount = 1;
    unsigned mortal = max_processes;  // the first ones may die: one suffices if all do the same
    bool forgets = false;  // the first process forgets its permits instead of returning them

    [[nodiscard]] state initial() const {
        state s{};
        memory m(s, amount == 1);
        core::initialise(m.bytes, permits);
        m.save(s);
        s.dead = none;
        for (unsigned i = 0; i <= max_processes; ++i) {
            s.p[i].rounds = rounds;
            s.p[i].now = i < processes ? acquiring : done;
        }
        return s;
    }
    [[nodiscard]] bool ended(const state& s) const {
        for (const process& p : s.p)
            if (p.now != done) return false;
        if (s.dead != none) return false;
        memory m(s, amount == 1);
        const permit_word w{m.data().state.load()};
        if (w.what() != permit_word::note::none) throw std::string("an operation was left in the middle");
        for (unsigned i = 0; i != max_processes; ++i)
            if (m.held(i) != 0) throw std::string("a permit of nobody is held");
        if (w.free() + s.forgotten != permits) throw std::string("permits were lost or made");
        const std::uint64_t total = m.data().total.load();
        if (s.deaths == 0 ? total != w.free() : total < w.free()) throw std::string("the number of permits is wrong");
        return true;
    }
    template <class Emit>
    void step(const state& s, Emit emit) const {
        for (std::uint8_t i = 0; i <= max_processes; ++i) {
            if (s.p[i].now == done || s.dead == i) continue;
            state n = s;
            advance(n, i);
            emit(n);
            if (i < mortal && s.deaths == 0) {
                state d = s;
                d.dead = i;
                d.deaths = 1;
                d.p[i].owns = 0;
                d.p[max_processes].now = recovering;
                emit(d);
            }
        }
    }

private:
    // The words as the code sees them, for one step.
    struct memory {
        alignas(64) std::byte bytes[core::bytes(max_processes)];

        memory(const state& s, bool same_amounts) noexcept {
            for (unsigned i = 0; i != word_count; ++i)
                new (bytes + i * sizeof(replayed_word))
                    replayed_word(value_numbers::value(s.words[i]), same_amounts && i >= word_count - max_processes);
        }
        void save(state& s) const {
            for (unsigned i = 0; i != word_count; ++i)
                s.words[i] = value_numbers::of(word(i).load());
        }
        [[nodiscard]] const replayed_word& word(unsigned i) const noexcept {
            return *reinterpret_cast<const replayed_word*>(bytes + i * sizeof(replayed_word));
        }
        [[nodiscard]] const auto& data() const noexcept {
            return *reinterpret_cast<const cadre::detail::shm::basic_semaphore_data<replayed_word>*>(bytes);
        }
        [[nodiscard]] std::uint32_t held(unsigned who) const noexcept {
            return static_cast<std::uint32_t>((data().held + who)->load() >> 32);
        }
    };

    [[nodiscard]] std::uint8_t wanted(std::uint8_t who) const { return who == 0 ? amount : std::uint8_t{1}; }

    void advance(state& s, std::uint8_t me) const {
        process& p = s.p[me];
        memory m(s, amount == 1);
        core semaphore(m.bytes, max_processes, {me, 0});
        const auto run = [&](auto operation) {
            const auto result = run_step(p.log, operation);
            m.save(s);
            return result;
        };
        switch (p.now) {
            case acquiring: {
                const auto result = run([&] { return semaphore.try_acquire(wanted(me)); });
                if (!result) return;
                if (*result == op_status::done) return acquired(s, me);
                if (*result != op_status::would_block) throw std::string("broken");
                return end_round(p);
            }
            case dropping: {
                const bool forget = forgets && me == 0;
                const std::uint8_t n = wanted(me);
                const auto before = permit_word{m.data().state.load()};
                const auto result = run([&] { return forget ? semaphore.forget(n) : semaphore.give_back(n); });
                const auto after = permit_word{m.data().state.load()};
                // Permits that are given back are free for others from the note on.
                if (after.raw != before.raw && after.slot() == me && p.owns != 0 &&
                    after.what() == (forget ? permit_word::note::forget : permit_word::note::give_back)) {
                    p.owns = 0;
                    if (forget) s.forgotten = static_cast<std::uint8_t>(s.forgotten + n);
                }
                if (!result) return;
                if (!*result) throw std::string("an owner's permits are not counted");
                return end_round(p);
            }
            case recovering:
                if (!run([&] {
                        semaphore.recover({s.dead, 0});
                        return true;
                    }))
                    return;
                s.p[s.dead] = {0, acquiring, 1, 0, 0};  // the next process in the slot
                s.dead = none;
                p.now = done;
                return;
        }
    }
    void acquired(state& s, std::uint8_t me) const {
        s.p[me].owns = wanted(me);
        s.p[me].now = dropping;
        unsigned owned = s.forgotten;
        for (const process& q : s.p)
            owned += q.owns;
        if (owned > permits) throw std::string("more owners than permits");
    }
    static void end_round(process& p) {
        --p.rounds;
        p.now = p.rounds == 0 ? done : acquiring;
    }
};

}  // namespace models
