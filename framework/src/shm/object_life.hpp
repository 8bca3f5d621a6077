/// @file
/// Whether an object of the object table exists: presence of processes, handles in messages, and the decision to free
/// it.
#pragma once

#include <cstdint>
#include <optional>

#include "shm/object_ref.hpp"

namespace cadre::detail::shm {

/// An object is freed by a compare-and-swap from the state word that was read before the object was found unused. A
/// process that acquires it first sets its presence bit and then counts itself in that word. So either the
/// compare-and-swap fails, or the acquiring process finds the object freed. This race cannot involve a handle of a live
/// process or of a queued message, since both keep the object in use; it arises only when a handle that a dead process
/// left is decoded.
///
/// Every change of presence and of the counts of handles increments `changes` before it is made, so that `unused` can
/// detect whether it has read all of them in one state.
///
/// `Presence` is a set of slots: `insert`, `erase`, `empty`. `Word` and `Probe` are other types in the model that
/// explores this code, tests/models/object_model.hpp.
template <class Presence, class Word = word, class Probe = no_probe>
class object_life {
public:
    object_life(Word& state, Word& changes, Word& in_transit, Word& queued, Presence presence) noexcept
        : state_(state), changes_(changes), in_transit_(in_transit), queued_(queued), presence_(presence) {}

    /// @return false if `o` no longer exists: then call `begin_freeing` for what is in the entry now
    [[nodiscard]] bool set_presence(object_ref o, unsigned slot) noexcept {
        const object_word live = object_word::make(o.incarnation, o.kind, object_phase::live);
        object_word w{state_.load()};
        if (!w.is(live)) return false;
        changes_.fetch_add(1);
        presence_.insert(slot);
        // Other arrivals may make it fail, a bounded number of times.
        for (unsigned tries = 0; tries != max_retries && w.is(live); ++tries)
            if (state_.compare_exchange_strong(w.raw, w.arrived().raw)) return true;
        clear_presence(slot);
        return false;
    }
    void clear_presence(unsigned slot) noexcept {
        changes_.fetch_add(1);
        presence_.erase(slot);
    }

    /// One more handle, or one less; `handles` is a count of this entry.
    void increment(Word& handles) noexcept {
        changes_.fetch_add(1);
        handles.fetch_add(1);
    }
    void decrement(Word& handles) noexcept {
        changes_.fetch_add(1);
        std::uint64_t n = handles.load();
        while (n != 0 && !handles.compare_exchange_weak(n, n - 1)) {
        }
    }

    /// The object in the entry, if there is one.
    [[nodiscard]] std::optional<object_word> live() const noexcept {
        const object_word w{state_.load()};
        return w.phase() == object_phase::live ? std::optional(w) : std::nullopt;
    }
    /// Claims `o` for freeing by `self` if nothing refers to it.
    [[nodiscard]] bool begin_freeing(object_ref o, unsigned self) noexcept {
        const object_word live = object_word::make(o.incarnation, o.kind, object_phase::live);
        const object_word mine = object_word::make(o.incarnation, o.kind, object_phase::freeing, self);
        for (unsigned tries = 0; tries != max_retries; ++tries) {
            Probe::at(step::retry);
            object_word w{state_.load()};
            if (!w.is(live) || !unused()) return false;
            if (state_.compare_exchange_strong(w.raw, mine.raw)) return true;
        }
        return false;
    }
    /// The end of freeing `o`, and of a creation that fails.
    void mark_free(object_ref o) noexcept {
        state_.store(object_word::make(o.incarnation, object_kind::none, object_phase::free).raw);
    }

    /// Only queued messages refer to the object, by their count, which is too high if a process was killed while it
    /// queued, received or discarded one.
    struct queued_only {
        std::uint64_t queued;
        std::uint64_t changes;
    };
    /// Supervisor. Empty if `o` has other references, or does not exist.
    [[nodiscard]] std::optional<queued_only> find_queued_only(object_ref o) const noexcept {
        queued_only q{0, changes_.load()};
        q.queued = queued_.load();
        if (q.queued == 0 ||
            !object_word{state_.load()}.is(object_word::make(o.incarnation, o.kind, object_phase::live)))
            return std::nullopt;
        if (!presence_.empty()) return std::nullopt;
        return q;
    }
    /// Supervisor, if no message carries the object: clears the count, unless something has changed since. A process
    /// that queues or receives a message acquires the objects of its handles, which increments `changes`. @return
    /// whether it was cleared
    [[nodiscard]] bool clear_queued(queued_only q) noexcept {
        return changes_.load() == q.changes && queued_.compare_exchange_strong(q.queued, 0);
    }

private:
    // Bounds loops that other processes can prolong.
    static constexpr unsigned max_retries = 1u << 16;

    [[nodiscard]] bool unused() const noexcept {
        // A process that changes it meanwhile calls this again when it releases the object.
        for (unsigned tries = 0; tries != 16; ++tries) {
            Probe::at(step::retry_search);
            const std::uint64_t before = changes_.load();
            const bool handles = (in_transit_.load() | queued_.load()) != 0;
            const bool users = !presence_.empty();
            if (changes_.load() == before) return !handles && !users;
        }
        return false;
    }

    Word& state_;
    Word& changes_;
    Word& in_transit_;
    Word& queued_;
    Presence presence_;
};

}  // namespace cadre::detail::shm
