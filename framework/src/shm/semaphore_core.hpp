/// @file
/// A counting semaphore in shared memory that counts the permits of each process.
///
/// An operation changes two words: the semaphore's and the process's count. The first CAS leaves a note in the
/// semaphore's word: process, operation, and the number of that operation in its process. Any process, or the
/// supervisor, can complete a noted operation; a number in the count's word makes sure that it is completed once. The
/// note holds only the lower bits of the number, so a helper reads the note again between reading the count and
/// changing it, and a process completes its own operation whatever the note says: a helper that was suspended for as
/// many operations as the bits distinguish could remove a later note. The number of permits of a noted operation stands
/// in a third word, which its process writes before the note and which nobody else writes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <cadre/detail/state/memory_domain.hpp>

#include "shm/layout.hpp"

namespace cadre::detail::shm {

/// free permits << 32 | number << 15 | slot << 2 | note. Every change is a sequentially consistent compare-and-swap.
///
/// | state                 | changed by                          | to                                             |
/// | --------------------- | ----------------------------------- | ---------------------------------------------- |
/// | (f, none)             | a process p, f >= n                 | (f - n, acquire, p, number of p's operation)   |
/// |                       | a process p that holds n permits    | (f + n, give_back, p, number of p's operation) |
/// |                       | a process p that holds n permits    | (f, forget, p, number of p's operation)        |
/// | (f, note of p)        | any process, once p's count says so | (f, none)                                      |
/// | any (f, note)         | any process that releases n         | (f + n, same note)                             |
///
/// Models choose small numbers.
template <unsigned NumberBits>
struct basic_permit_word {
    enum class note : unsigned { none = 0, acquire = 1, give_back = 2, forget = 3 };
    std::uint64_t raw;

    static constexpr std::uint32_t number_mask = (1u << NumberBits) - 1;
    static constexpr basic_permit_word make(std::uint32_t free, note n, unsigned slot, std::uint32_t number) noexcept {
        return {(std::uint64_t{free} << 32) | (std::uint64_t{number & number_mask} << (slot_bits + 2)) |
                (std::uint64_t{slot} << 2) | static_cast<unsigned>(n)};
    }
    [[nodiscard]] constexpr std::uint32_t free() const noexcept { return static_cast<std::uint32_t>(raw >> 32); }
    [[nodiscard]] constexpr note what() const noexcept { return static_cast<note>(raw & 3u); }
    [[nodiscard]] constexpr unsigned slot() const noexcept {
        return static_cast<unsigned>(raw >> 2) & ((1u << slot_bits) - 1);
    }
    [[nodiscard]] constexpr std::uint32_t number() const noexcept {
        return (static_cast<std::uint32_t>(raw) >> (slot_bits + 2)) & number_mask;
    }
    [[nodiscard]] constexpr bool same_note(basic_permit_word other) const noexcept {
        return static_cast<std::uint32_t>(raw) == static_cast<std::uint32_t>(other.raw);
    }
};
using permit_word = basic_permit_word<32 - slot_bits - 2>;

template <class Word>
struct basic_semaphore_data {
    alignas(64) Word state;
    /// Permits that exist, free or held. Raised by `release` before it frees them, so that permits given back always
    /// fit; lowered by `forget`. By CAS and subtraction, sequentially consistent. A death in between leaves it too
    /// high.
    Word total;
    /// 0; set to 1, for good, by the first process that acquires several permits at once.
    Word several;
    /// One per near slot: permits << 32 | operations completed. Changed by any process that completes the operation in
    /// the note, by CAS; by the supervisor, after a death, by store. Sequentially consistent. Behind them, also one per
    /// near slot: one less than the number of permits of the last operation noted for the slot. Far slots have both
    /// words in far_record.
    alignas(64) Word held[1];
};
using semaphore_data = basic_semaphore_data<word>;

/// The other types are those of the model that explores this code, tests/models/semaphore_model.hpp.
template <class Probe = no_probe, class Word = word, class Permits = permit_word>
class semaphore_core {
    using data_words = basic_semaphore_data<Word>;
    using note = typename Permits::note;

public:
    [[nodiscard]] static constexpr std::uint64_t bytes(unsigned slots) noexcept {
        return offsetof(data_words, held) + 2 * near(slots) * sizeof(Word);
    }
    static void initialise(std::byte* data, std::uint32_t permits) noexcept {
        reinterpret_cast<data_words*>(data)->total.store(permits, std::memory_order_relaxed);
        reinterpret_cast<data_words*>(data)->state.store(Permits::make(permits, note::none, 0, 0).raw,
                                                         std::memory_order_relaxed);
    }

    /// `far`: the pairs of words of far slots, at least of those that have used the semaphore; null if there are none.
    semaphore_core(std::byte* data, unsigned slots, process_id self, Word (*far)[2] = nullptr) noexcept
        : data_(*reinterpret_cast<data_words*>(data)), state_(data_.state), held_(data_.held),
          amounts_(held_ + near(slots)), far_(far), slots_(far != nullptr ? slots : near(slots)), self_(self) {}

    /// Acquires `n` permits or none. One thread of a process at a time, together with `give_back` and `forget`.
    [[nodiscard]] op_status try_acquire(std::uint32_t n = 1) noexcept {
        for (unsigned tries = 0; tries != max_retries; ++tries) {
            Probe::at(step::retry);
            Permits w{state_.load()};
            if (w.what() != note::none) {
                if (!help(w)) return op_status::broken;
                continue;
            }
            if (w.free() < n) return op_status::would_block;
            if (claim(w, w.free() - n, note::acquire, n)) return op_status::done;
        }
        return op_status::broken;
    }
    /// Returns `n` permits that this process holds. @return false if it holds fewer
    bool give_back(std::uint32_t n = 1) noexcept { return drop(n, note::give_back, n); }
    /// Removes `n` permits that this process holds from those that exist. @return false if it holds fewer
    bool forget(std::uint32_t n = 1) noexcept {
        if (!drop(n, note::forget, 0)) return false;
        data_.total.fetch_sub(n);
        return true;
    }
    /// Adds free permits; a note stays as it is. @return false, without effect, if more than 2^32-1 permits would exist
    [[nodiscard]] bool release(std::uint32_t n) noexcept {
        std::uint64_t total = data_.total.load();
        do
            if (total > max_permits || n > max_permits - total) return false;
        while (!data_.total.compare_exchange_weak(total, total + n));
        add_free(n);
        return true;
    }
    /// Whether a process waits, or has waited, for several permits at once.
    [[nodiscard]] bool wanted_several() const noexcept { return data_.several.load() != 0; }
    void want_several() noexcept {
        if (!wanted_several()) data_.several.store(1);
    }
    [[nodiscard]] std::uint32_t available() const noexcept { return Permits{state_.load()}.free(); }

    /// Supervisor: completes the operation that the dead process had noted, then frees all its permits.
    void recover(process_id dead) noexcept {
        for (unsigned tries = 0; tries != max_retries; ++tries) {
            Probe::at(step::retry);
            const Permits w{state_.load()};
            if (w.what() == note::none || w.slot() != dead.slot) break;
            if (!help(w)) break;
        }
        const std::uint64_t h = held(dead.slot).load();
        held(dead.slot).store(h & 0xffff'ffffu);
        if (h >> 32 != 0) add_free(static_cast<std::uint32_t>(h >> 32));
    }

private:
    static constexpr unsigned max_retries = 1u << 20;
    static constexpr std::uint64_t max_permits = std::numeric_limits<std::uint32_t>::max();

    [[nodiscard]] static constexpr unsigned near(unsigned slots) noexcept { return std::min(slots, near_slots); }
    [[nodiscard]] Word& held(unsigned slot) const noexcept {
        return is_far(slot) ? far_[slot - near_slots][0] : held_[slot];
    }
    [[nodiscard]] Word& amount(unsigned slot) const noexcept {
        return is_far(slot) ? far_[slot - near_slots][1] : amounts_[slot];
    }
    void add_free(std::uint32_t n) noexcept {
        Permits w{state_.load()};
        for (unsigned tries = 0; tries != max_retries; ++tries)
            if (state_.compare_exchange_strong(w.raw,
                                               Permits::make(plus(w.free(), n), w.what(), w.slot(), w.number()).raw))
                return;
    }
    /// This process ceases to hold `n` permits, of which `freed` become free.
    bool drop(std::uint32_t n, note what, std::uint32_t freed) noexcept {
        for (unsigned tries = 0; tries != max_retries; ++tries) {
            Probe::at(step::retry);
            Permits w{state_.load()};
            if (w.what() != note::none) {
                if (!help(w)) return false;
                continue;
            }
            if (held(self_.slot).load() >> 32 < n) return false;
            if (claim(w, plus(w.free(), freed), what, n)) return true;
        }
        return false;
    }

    static constexpr std::uint32_t plus(std::uint32_t a, std::uint32_t b) noexcept {
        return b > std::numeric_limits<std::uint32_t>::max() - a ? std::numeric_limits<std::uint32_t>::max() : a + b;
    }

    bool claim(Permits from, std::uint32_t free, note what, std::uint32_t permits) noexcept {
        // The last operation of this process has been settled, so no helper can take this for its amount.
        if (amount(self_.slot).load(std::memory_order_relaxed) != permits - 1) amount(self_.slot).store(permits - 1);
        const auto next = static_cast<std::uint32_t>(held(self_.slot).load()) + 1;
        const Permits mine = Permits::make(free, what, self_.slot, next);
        if (!state_.compare_exchange_strong(from.raw, mine.raw)) return false;
        Probe::at(step::permit_claimed);
        complete_own(mine, permits);
        Probe::at(step::permit_counted);
        settle(mine);
        return true;
    }
    bool help(Permits w) noexcept {
        if (w.slot() >= slots_ || w.what() == note::none) return false;
        Probe::at(step::permit_seen);
        apply(w);
        settle(w);
        return true;
    }
    /// Has an effect once per number, because the count's word holds the number of the last completed operation. If the
    /// note is still there after the count was read, and the CAS finds the count unchanged, the operation was not yet
    /// completed.
    void apply(Permits w) noexcept {
        std::uint64_t h = held(w.slot()).load();
        const std::uint32_t permits = static_cast<std::uint32_t>(amount(w.slot()).load()) + 1;
        if (!done(h, w) && Permits{state_.load()}.same_note(w)) count(w, h, permits);
    }
    /// Only the operation that this process has just noted is not done: nothing else can be mistaken for it.
    void complete_own(Permits w, std::uint32_t permits) noexcept {
        std::uint64_t h = held(self_.slot).load();
        if (!done(h, w)) count(w, h, permits);
    }
    void count(Permits w, std::uint64_t h, std::uint32_t permits) noexcept {
        const auto before = static_cast<std::uint32_t>(h >> 32);
        const std::uint32_t now =
            w.what() == note::acquire ? plus(before, permits) : before - std::min(before, permits);
        held(w.slot()).compare_exchange_strong(h, (std::uint64_t{now} << 32) | (static_cast<std::uint32_t>(h) + 1));
    }
    [[nodiscard]] static bool done(std::uint64_t count, Permits w) noexcept {
        return ((static_cast<std::uint32_t>(count) + 1) & Permits::number_mask) != w.number();
    }
    /// Removes the note of a completed operation. `release` may have changed the number of free permits meanwhile.
    void settle(Permits w) noexcept {
        Permits now{state_.load()};
        for (unsigned tries = 0; tries != max_retries; ++tries) {
            if (!now.same_note(w) || !done(held(w.slot()).load(), w)) return;
            if (state_.compare_exchange_strong(now.raw, Permits::make(now.free(), note::none, 0, 0).raw)) return;
        }
    }

    data_words& data_;
    Word& state_;
    Word* held_;
    Word* amounts_;
    Word (*far_)[2];
    unsigned slots_;
    process_id self_;
};

}  // namespace cadre::detail::shm
