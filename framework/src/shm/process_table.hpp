/// @file
/// The processes of a program and their doorbells.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "shm/region.hpp"

namespace cadre::detail::shm {

/// View of the table by one process. The parent keeps the occupants of slots in private memory and publishes them for the
/// other processes. Doorbells are eventfds, one per slot and one for the parent's supervisor. The parent makes all of them
/// before any worker starts, so that none is passed later.
///
/// A ringer publishes its change, sets bits in the pending word of a process and then reads the state of its loop. A loop
/// publishes that it sleeps and then reads its pending word. Both use sequentially consistent operations on these words, so
/// one of them sees the other. The state table is at process_entry.
class process_table {
public:
    /// `doorbells`: the supervisor's, then one for each slot; owned by the caller.
    process_table(const region& memory, process_id self, std::vector<int> doorbells);

    [[nodiscard]] process_id self() const noexcept { return self_; }
    [[nodiscard]] int doorbell(unsigned slot) const noexcept { return doorbells_[slot + 1]; }
    [[nodiscard]] int supervisor_doorbell() const noexcept { return doorbells_[0]; }
    [[nodiscard]] const std::vector<int>& doorbells() const noexcept { return doorbells_; }

    /// Parent: takes a free slot for a new process. Thread-safe. Empty if all are taken.
    [[nodiscard]] std::optional<process_id> claim() noexcept;
    /// Parent: frees the slot of a process that has ended (or never started), after its recovery.
    void release(process_id p) noexcept;
    /// Parent: the process has ended.
    void mark_dead(process_id p) noexcept;
    [[nodiscard]] slot_state state(unsigned slot) const noexcept;
    [[nodiscard]] bool live(process_id p) const noexcept;
    /// The process that has the slot now or had it last.
    [[nodiscard]] process_id occupant(unsigned slot) const noexcept;

    /// When a process that was rung polls its pending bits.
    enum class ring_result : std::uint8_t {
        polling,  ///< at once: it polls
        woken,  ///< soon: it or the supervisor was woken
        deferred,  ///< when its work item ends
    };
    /// Makes a process retry the waiters of the objects in `ring_bits`; 0: only wakes it. A full fence first: a process that
    /// is woken or goes to sleep afterwards sees everything published before.
    ring_result ring(unsigned slot, std::uint64_t ring_bits) noexcept;
    /// Every live process, this one included, retries all waiters.
    void ring_all() noexcept;

    /// Reads and clears this process's pending bits.
    [[nodiscard]] std::uint64_t take_pending_bits() noexcept;
    /// Publish the state of this process's loop; of the parent's supervisor. Full fence.
    void set_loop(loop_state s) noexcept;
    void set_supervisor(loop_state s) noexcept;

    [[nodiscard]] loop_state loop_of(unsigned slot) const noexcept;
    /// Publishes the CPU of this thread for the spin decisions of other processes. A few nanoseconds.
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
    std::mutex changing_;  // a leaf: one change at a time
    std::unique_ptr<std::atomic<std::uint64_t>[]> identities_;  // in the parent only
};

}  // namespace cadre::detail::shm
