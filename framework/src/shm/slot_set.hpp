/// @file
/// A set of processes in shared memory.
#pragma once

#include <bit>

#include "shm/layout.hpp"

namespace cadre::detail::shm {

/// One word for near slots, and for far ones a word for each group of 64 and a word that names the groups in use. A
/// process that enters sets its bit before that of its group, so a reader that finds no group is followed, in the order
/// of all sequentially consistent operations, by whatever the entering process does next.
class slot_set {
public:
    /// `far`: the far part, which has memory if a far process has entered; null in a region without far slots.
    slot_set(near_set& near, word* far) noexcept : near_(near), far_(far) {}

    void insert(unsigned slot) noexcept {
        if (!is_far(slot)) {
            near_.slots.fetch_or(bit(slot));
            return;
        }
        far_[group(slot)].fetch_or(bit(slot));
        if ((near_.groups.load() & bit(group(slot))) == 0) near_.groups.fetch_or(bit(group(slot)));
    }
    void erase(unsigned slot) noexcept {
        if (!is_far(slot))
            near_.slots.fetch_and(~bit(slot));
        else if (has_group(slot))
            far_[group(slot)].fetch_and(~bit(slot));
    }
    [[nodiscard]] bool contains(unsigned slot) const noexcept {
        if (!is_far(slot)) return (near_.slots.load() & bit(slot)) != 0;
        return has_group(slot) && (far_[group(slot)].load() & bit(slot)) != 0;
    }
    /// Whether a process of the far slot's group has ever been in it.
    [[nodiscard]] bool has_group(unsigned slot) const noexcept { return (groups() & bit(group(slot))) != 0; }
    [[nodiscard]] bool empty() const noexcept { return near_.slots.load() == 0 && far_empty(no_slot); }
    /// Whether there is another process than `slot`.
    [[nodiscard]] bool any_but(unsigned slot) const noexcept {
        const std::uint64_t w = near_.slots.load();
        if ((is_far(slot) ? w : w & ~bit(slot)) != 0) return true;
        return groups() != 0 && !far_empty(slot);
    }
    /// Calls `f(slot)` for those in [from, to), ascending, until it returns false. @return false if it did
    template <class F>
    bool for_each(unsigned from, unsigned to, F f) const {
        if (from < near_slots && !each(near_.slots.load(), 0, from, to, f)) return false;
        for (std::uint64_t g = groups(); g != 0; g &= g - 1) {
            const auto i = static_cast<unsigned>(std::countr_zero(g));
            if (!each(far_[i].load(), near_slots + i * 64, from, to, f)) return false;
        }
        return true;
    }

private:
    static constexpr unsigned no_slot = ~0u;

    static constexpr std::uint64_t bit(unsigned n) noexcept { return std::uint64_t{1} << (n % 64); }
    static constexpr unsigned group(unsigned slot) noexcept { return (slot - near_slots) / 64 % far_groups; }
    [[nodiscard]] std::uint64_t groups() const noexcept { return far_ != nullptr ? near_.groups.load() : 0; }

    [[nodiscard]] bool far_empty(unsigned except) const noexcept {
        for (std::uint64_t g = groups(); g != 0; g &= g - 1) {
            const auto i = static_cast<unsigned>(std::countr_zero(g));
            std::uint64_t w = far_[i].load();
            if (except != no_slot && is_far(except) && group(except) == i) w &= ~bit(except);
            if (w != 0) return false;
        }
        return true;
    }
    template <class F>
    static bool each(std::uint64_t w, unsigned first, unsigned from, unsigned to, F& f) {
        for (; w != 0; w &= w - 1) {
            const unsigned slot = first + static_cast<unsigned>(std::countr_zero(w));
            if (slot >= from && slot < to && !f(slot)) return false;
        }
        return true;
    }

    near_set& near_;
    word* far_;
};

}  // namespace cadre::detail::shm
