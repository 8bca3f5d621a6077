/// @file
/// A lock on shared memory, owned by a process. It barges while everybody runs and hands over to bound starvation.
#pragma once

#include <cstdint>
#include <optional>

#include <cadre/detail/state/memory_domain.hpp>

#include "shm/layout.hpp"

namespace cadre::detail::shm {

/// generation << 32 | slot << 8 | owner died << 2 | phase. Zero is free.
struct lock_word {
    enum class phase : unsigned { free = 0, held = 1, granted = 2 };
    std::uint64_t raw;

    static constexpr std::uint64_t died_bit = 4;
    static constexpr lock_word make(phase p, process_id who, bool died) noexcept {
        return {(std::uint64_t{who.generation} << 32) | (std::uint64_t{who.slot} << 8) | (died ? died_bit : 0) |
                static_cast<unsigned>(p)};
    }
    [[nodiscard]] constexpr phase state() const noexcept { return static_cast<phase>(raw & 3u); }
    [[nodiscard]] constexpr bool died() const noexcept { return (raw & died_bit) != 0; }
    [[nodiscard]] constexpr process_id who() const noexcept {
        return {static_cast<std::uint32_t>(raw >> 8) & 0xffu, static_cast<std::uint32_t>(raw >> 32)};
    }
};

/// Hand-over writes granted(B); B confirms held(B) when it takes the lock. B dead, or nobody in B waiting any more: free.
template <class Probe = no_probe>
class lock_core {
public:
    lock_core(word& lock, process_id self) noexcept : lock_(lock), self_(self) {}

    [[nodiscard]] op_status try_lock(bool& owner_died) noexcept {
        for (unsigned tries = 0; tries != max_retries; ++tries) {
            lock_word w{lock_.load()};
            const bool mine = w.state() == lock_word::phase::granted && w.who() == self_;
            if (w.state() != lock_word::phase::free && !mine) return op_status::would_block;
            if (!lock_.compare_exchange_strong(w.raw, held().raw)) continue;
            owner_died = w.died();
            Probe::at(step::lock_held);
            return op_status::done;
        }
        return op_status::would_block;
    }

    /// Frees it; @return false if this process does not hold it.
    bool unlock() noexcept {
        if (!swap(held(), free(false))) return false;
        Probe::at(step::lock_freed);
        return true;
    }
    /// Hands it to a process that waits. The caller then asks whether it still does, and else takes the grant back.
    bool grant(process_id to) noexcept {
        if (!swap(held(), lock_word::make(lock_word::phase::granted, to, false))) return false;
        Probe::at(step::lock_granted);
        return true;
    }
    /// Nobody in `who` waits any more: what was granted to it is free. @return whether something was
    bool decline(process_id who) noexcept {
        lock_word w{lock_.load()};
        return w.state() == lock_word::phase::granted && w.who() == who && swap(w, free(w.died()));
    }
    /// To whom it was granted, if to anybody.
    [[nodiscard]] std::optional<process_id> grantee() const noexcept {
        const lock_word w{lock_.load()};
        return w.state() == lock_word::phase::granted ? std::optional(w.who()) : std::nullopt;
    }
    [[nodiscard]] bool available() const noexcept { return lock_word{lock_.load()}.state() == lock_word::phase::free; }

    /// Supervisor.
    void bury(process_id dead) noexcept {
        for (unsigned tries = 0; tries != max_retries; ++tries) {
            const lock_word w{lock_.load()};
            if (w.state() == lock_word::phase::free || w.who() != dead) return;
            // Granted but not confirmed: the dead process had touched nothing.
            if (swap(w, free(w.died() || w.state() == lock_word::phase::held))) return;
        }
    }

private:
    static constexpr unsigned max_retries = 1u << 16;

    [[nodiscard]] lock_word held() const noexcept { return lock_word::make(lock_word::phase::held, self_, false); }
    static constexpr lock_word free(bool died) noexcept { return lock_word::make(lock_word::phase::free, {}, died); }
    bool swap(lock_word from, lock_word to) noexcept { return lock_.compare_exchange_strong(from.raw, to.raw); }

    word& lock_;
    process_id self_;
};

}  // namespace cadre::detail::shm
