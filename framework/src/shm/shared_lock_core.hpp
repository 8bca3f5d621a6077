/// @file
/// A shared lock in shared memory: one owning process, or sharers that each process counts for itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <cadre/detail/state/memory_domain.hpp>

#include "shm/lock_core.hpp"
#include "shm/slot_counts.hpp"

namespace cadre::detail::shm {

/// The lock's word is a lock_word with one more phase. Sharers are in the count of their process, one word for each.
///
/// | state      | changed by                                                     | to                                |
/// | ---------- | -------------------------------------------------------------- | --------------------------------- |
/// | free       | any process p that wants to own the lock                       | claimed(p)                        |
/// | claimed(p) | p, when it has seen the counts of all processes at 0           | held(p)                           |
/// |            | p, if its waiter withdraws; supervisor, if p is dead           | free                              |
/// | held(p)    | as in lock_core                                                | free, granted(q), owner died      |
/// | granted(q) | q, to own the lock                                             | claimed(q)                        |
/// |            | q, to share it                                                 | free                              |
/// |            | as in lock_core                                                | free                              |
/// | count of p | p: a sharer is about to enter, then reads the word             | plus one                          |
/// |            | p: a sharer leaves, or found the word neither free nor granted | minus one                         |
/// |            | supervisor, if p is dead                                       | 0                                 |
///
/// An owner claims the word and then reads the counts; a sharer counts itself and then reads the word. All of these are
/// sequentially consistent, so one of them sees the other. `owner died` stays until an owner enters. A death while the
/// lock is claimed frees it without `owner died`.
template <class Probe = no_probe, class Word = word>
class shared_lock_core {
public:
    /// `wanted_shared` and the counts of `slots` processes.
    [[nodiscard]] static constexpr std::uint64_t bytes(unsigned slots) noexcept {
        return header + slot_counts<Word>::bytes(slots);
    }
    /// `far`: as of slot_counts
    shared_lock_core(Word& lock, std::byte* data, process_id self, Word (*far)[2] = nullptr) noexcept
        : lock_(lock), wanted_shared_(*reinterpret_cast<Word*>(data)), sharers_(data + header, far), self_(self) {}

    /// Claims the lock. `drained`, `enter` or `unclaim` follow.
    [[nodiscard]] bool claim() noexcept {
        for (unsigned tries = 0; tries != max_retries; ++tries) {
            Probe::at(step::retry);
            lock_word w{lock_.load()};
            if (!open(w)) return false;
            if (!lock_.compare_exchange_strong(w.raw, claimed(w.died()).raw)) continue;
            Probe::at(step::lock_claimed);
            return true;
        }
        return false;
    }
    /// Whether no process shares the lock. `each(f)` calls `f(slot)` for every process that may, until `f` returns
    /// false.
    template <class Each>
    [[nodiscard]] bool drained(Each each) const noexcept {
        bool none = true;
        each([&](unsigned slot) noexcept { return none = sharers_.of(slot).load() == 0; });
        return none;
    }
    /// After `claim`, once the lock is drained. @return false if another process has damaged the word
    [[nodiscard]] bool enter(bool& owner_died) noexcept {
        for (const bool died : {false, true}) {
            std::uint64_t expected = claimed(died).raw;
            if (!lock_.compare_exchange_strong(expected, held().raw)) continue;
            owner_died = died;
            Probe::at(step::lock_held);
            return true;
        }
        return false;
    }
    void unclaim() noexcept {
        for (const bool died : {false, true}) {
            std::uint64_t expected = claimed(died).raw;
            if (lock_.compare_exchange_strong(expected, lock_word::make(lock_word::phase::free, {}, died).raw)) return;
        }
    }

    enum class shared_attempt : std::uint8_t {
        shared,
        blocked,
        blocked_last,  ///< and a claimant may have seen this attempt as the last sharer: then `claimant` checks again
    };
    [[nodiscard]] shared_attempt try_lock_shared(bool& owner_died) noexcept {
        if (!open(lock_word{lock_.load()})) return shared_attempt::blocked;
        mine().fetch_add(1);
        Probe::at(step::share_counted);
        for (unsigned tries = 0; tries != max_retries; ++tries) {
            Probe::at(step::retry);
            lock_word w{lock_.load()};
            if (!open(w)) break;
            owner_died = w.died();
            if (w.state() == lock_word::phase::free) return shared_attempt::shared;
            if (lock_.compare_exchange_strong(w.raw, lock_word::make(lock_word::phase::free, {}, w.died()).raw))
                return shared_attempt::shared;
        }
        return unlock_shared() ? shared_attempt::blocked_last : shared_attempt::blocked;
    }
    /// @return whether it was the last sharer of this process: then `claimant` checks again
    [[nodiscard]] bool unlock_shared() noexcept {
        const bool last = mine().fetch_sub(1) == 1;
        Probe::at(step::share_ended);
        return last;
    }
    /// The process that has claimed the lock and waits for its sharers to leave.
    [[nodiscard]] std::optional<process_id> claimant() const noexcept {
        const lock_word w{lock_.load()};
        return w.state() == lock_word::phase::claimed ? std::optional(w.who()) : std::nullopt;
    }

    /// Whether a process waits, or has waited, to share the lock: then one released lock lets several processes
    /// continue.
    [[nodiscard]] bool wanted_shared() const noexcept { return wanted_shared_.load() != 0; }
    void want_shared() noexcept {
        if (!wanted_shared()) wanted_shared_.store(1);
    }

    /// Supervisor, before lock_core::recover: the dead process no longer shares the lock.
    void recover_sharers(process_id dead) noexcept { sharers_.of(dead.slot).store(0); }

private:
    static constexpr std::size_t header = 64;
    static constexpr unsigned max_retries = 1u << 16;

    [[nodiscard]] bool open(lock_word w) const noexcept {
        return w.state() == lock_word::phase::free || (w.state() == lock_word::phase::granted && w.who() == self_);
    }
    [[nodiscard]] lock_word claimed(bool died) const noexcept {
        return lock_word::make(lock_word::phase::claimed, self_, died);
    }
    [[nodiscard]] lock_word held() const noexcept { return lock_word::make(lock_word::phase::held, self_, false); }
    [[nodiscard]] Word& mine() const noexcept { return sharers_.of(self_.slot); }

    Word& lock_;
    Word& wanted_shared_;
    slot_counts<Word> sharers_;
    process_id self_;
};

}  // namespace cadre::detail::shm
