/// @file
/// The processes of a program, and how one tells another to look again.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "shm/region.hpp"

namespace cadre::detail::shm {

/// View of the table by one process. Which process a slot has, the parent knows from private memory; in shared memory it is for the
/// others to read. Doorbells are eventfds, one per slot and one for the parent's supervisor; all are made
/// by the parent before any worker starts, so that none has to travel later.
///
/// Ringing: whoever has published something sets the rung word of a process and then looks how that process's loop fares.
/// The loop says that it sleeps, and then looks at its rung word. Both sides use sequentially consistent operations on
/// these words, so one of them sees the other.
class process_table {
public:
    /// `doorbells`: the supervisor's, then one for each slot. They stay the caller's.
    process_table(const region& memory, process_id self, std::vector<int> doorbells);

    [[nodiscard]] process_id self() const noexcept { return self_; }
    [[nodiscard]] int doorbell(unsigned slot) const noexcept { return doorbells_[slot + 1]; }
    [[nodiscard]] int supervisor_doorbell() const noexcept { return doorbells_[0]; }
    [[nodiscard]] const std::vector<int>& doorbells() const noexcept { return doorbells_; }

    /// Parent: takes a free slot for a new process. Thread-safe. Empty if all are taken.
    [[nodiscard]] std::optional<process_id> claim() noexcept;
    /// Parent: the process has ended (or never started) and holds nothing any more.
    void release(process_id p) noexcept;
    /// Parent: it has ended.
    void mark_dead(process_id p) noexcept;
    [[nodiscard]] slot_state state(unsigned slot) const noexcept;
    [[nodiscard]] bool live(process_id p) const noexcept;
    /// Who has the slot now (or had it last).
    [[nodiscard]] process_id occupant(unsigned slot) const noexcept;

    /// How a process that was rung is going to notice.
    enum class notice : std::uint8_t { soon, woken, when_done };
    /// Tells a process to look again at the objects in `what`, a set of ring bits; 0: only wakes it. Full fence first: what
    /// was published before is seen by whoever is woken, or goes to sleep, after.
    notice ring(unsigned slot, std::uint64_t what) noexcept;
    /// Every live process, this one included, looks at everything.
    void ring_all() noexcept;

    /// This process's own words.
    [[nodiscard]] std::uint64_t take_pending_bits() noexcept;
    void loop(loop_state s) noexcept;
    void supervisor(loop_state s) noexcept;

    [[nodiscard]] loop_state loop_of(unsigned slot) const noexcept;
    /// Says on which CPU this thread runs, for the spin decisions of others. A few nanoseconds.
    void publish_cpu() noexcept;
    /// Whether that process last ran on another CPU than this thread.
    [[nodiscard]] bool on_other_cpu(unsigned slot) const noexcept;

private:
    void write_bell(int fd) const noexcept;
    [[nodiscard]] std::uint64_t identity(unsigned slot) const noexcept;
    /// Parent. @return false if the slot's identity is not `from`
    bool change(unsigned slot, std::uint64_t from, std::uint64_t to) noexcept;

    const region& memory_;
    process_id self_;
    std::vector<int> doorbells_;
    std::mutex changing_;
    std::unique_ptr<std::atomic<std::uint64_t>[]> identities_;  // in the parent only
};

}  // namespace cadre::detail::shm
