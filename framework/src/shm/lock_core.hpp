/// @file
/// A lock in shared memory, owned by a process.
#pragma once

#include <cstdint>
#include <optional>

#include <cadre/detail/state/memory_domain.hpp>

#include "shm/layout.hpp"

namespace cadre::detail::shm {

/// generation << 32 | slot << 8 | owner died << 2 | phase. Zero is free.
///
/// | state      | changed by                                                   | to                       |
/// | ---------- | ------------------------------------------------------------ | ------------------------ |
/// | free       | any process p                                                | held(p)                  |
/// | held(p)    | p                                                            | free, or granted(q)      |
/// |            | supervisor, if p is dead                                     | free, owner died         |
/// | granted(q) | q: takes the lock                                            | held(q)                  |
/// |            | q, the granter or the supervisor, if q waits no more         | free                     |
/// |            | supervisor, if q is dead                                     | free                     |
/// | claimed(p) | of a shared lock: see shared_lock_core.hpp                   |                          |
///
/// `owner died` stays in a free or granted word until a process acquires the lock; `try_lock` reports it then. Every
/// change is a sequentially consistent compare-and-swap.
struct lock_word {
    enum class phase : unsigned { free = 0, held = 1, granted = 2, claimed = 3 };
    std::uint64_t raw;

    static constexpr std::uint64_t died_bit = 4;
    static constexpr lock_word make(phase p, process_id who, bool died) noexcept {
        return {(std::uint64_t{who.generation} << 32) | (std::uint64_t{who.slot} << 8) | (died ? died_bit : 0) |
                static_cast<unsigned>(p)};
    }
    [[nodiscard]] constexpr phase state() const noexcept { return static_cast<phase>(raw & 3u); }
    [[nodiscard]] constexpr bool died() const noexcept { return (raw & died_bit) != 0; }
    [[nodiscard]] constexpr process_id who() const noexcept {
        return {static_cast<std::uint32_t>(raw >> 8) & 0xff'ffffu, static_cast<std::uint32_t>(raw >> 32)};
    }
};

/// The lock permits barging; callers periodically hand it to a waiting process, which bounds starvation. The grantee
/// confirms the grant by taking the lock. A grant to a process that is dead or no longer waits is revoked.
/// `Word` is another type in the model that explores this code, tests/models/lock_model.hpp.
template <class Probe = no_probe, class Word = word>
class lock_core {
public:
    lock_core(Word& lock, process_id self) noexcept : lock_(lock), self_(self) {}

    [[nodiscard]] op_status try_lock(bool& owner_died) noexcept {
        for (unsigned tries = 0; tries != max_retries; ++tries) {
            Probe::at(step::retry);
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

    /// Frees the lock. @return false if this process does not hold it.
    bool unlock() noexcept {
        if (!swap(held(), free(false))) return false;
        Probe::at(step::lock_freed);
        return true;
    }
    /// Grants the lock to a waiting process. The caller then checks that `to` still waits, and revokes the grant if
    /// not.
    /// @return false if this process does not hold the lock
    bool grant(process_id to) noexcept {
        if (!swap(held(), lock_word::make(lock_word::phase::granted, to, false))) return false;
        Probe::at(step::lock_granted);
        return true;
    }
    /// `who` no longer waits: frees a lock that is granted to it. @return whether it was
    bool revoke_grant(process_id who) noexcept {
        lock_word w{lock_.load()};
        return w.state() == lock_word::phase::granted && w.who() == who && swap(w, free(w.died()));
    }
    /// The process to which the lock is granted, if it is.
    [[nodiscard]] std::optional<process_id> grantee() const noexcept {
        const lock_word w{lock_.load()};
        return w.state() == lock_word::phase::granted ? std::optional(w.who()) : std::nullopt;
    }
    /// The process that holds the lock, if one does.
    [[nodiscard]] std::optional<process_id> holder() const noexcept {
        const lock_word w{lock_.load()};
        return w.state() == lock_word::phase::held ? std::optional(w.who()) : std::nullopt;
    }
    [[nodiscard]] bool available() const noexcept { return lock_word{lock_.load()}.state() == lock_word::phase::free; }

    /// Supervisor: frees the lock if the dead process held it or was granted it.
    void recover(process_id dead) noexcept {
        for (unsigned tries = 0; tries != max_retries; ++tries) {
            Probe::at(step::retry);
            const lock_word w{lock_.load()};
            if (w.state() == lock_word::phase::free || w.who() != dead) return;
            // A grant that was not confirmed, or a claim: the dead process has not entered the critical section.
            if (swap(w, free(w.died() || w.state() == lock_word::phase::held))) return;
        }
    }

private:
    static constexpr unsigned max_retries = 1u << 16;

    [[nodiscard]] lock_word held() const noexcept { return lock_word::make(lock_word::phase::held, self_, false); }
    static constexpr lock_word free(bool died) noexcept { return lock_word::make(lock_word::phase::free, {}, died); }
    bool swap(lock_word from, lock_word to) noexcept { return lock_.compare_exchange_strong(from.raw, to.raw); }

    Word& lock_;
    process_id self_;
};

}  // namespace cadre::detail::shm
