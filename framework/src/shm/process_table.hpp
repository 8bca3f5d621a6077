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

/// View of the table by one process. The parent keeps the occupants of slots in private memory and publishes them for
/// the other processes. Doorbells are eventfds, one per slot and one for the parent's supervisor. The parent makes
/// those of near slots before any worker starts, so that none is passed later; that of a far slot only its process and
/// the parent have, and other processes have the parent's supervisor write it.
///
/// A ringer publishes its change, sets bits in the pending word of a process and then reads the state of its loop. A
/// loop publishes that it sleeps and then reads its pending word. Both use sequentially consistent operations on these
/// words, so one of them sees the other. The state table is at process_entry.
class process_table {
public:
    /// `doorbells`: the supervisor's, one for each near slot, and its own if this process is far; owned by the caller.
    process_table(const region& memory, process_id self, std::vector<int> doorbells);
    ~process_table();
    process_table(const process_table&) = delete;
    process_table& operator=(const process_table&) = delete;

    [[nodiscard]] process_id self() const noexcept { return self_; }
    /// The doorbell of a slot; -1 if this process has no descriptor of it.
    [[nodiscard]] int doorbell(unsigned slot) const noexcept {
        if (!is_far(slot)) return doorbells_[slot + 1];
        if (slot == self_.slot) return doorbells_.back();
        return far_doorbells_ != nullptr ? far_doorbells_[slot - near_slots].load(std::memory_order_acquire) : -1;
    }
    [[nodiscard]] int supervisor_doorbell() const noexcept { return doorbells_[0]; }
    [[nodiscard]] const std::vector<int>& doorbells() const noexcept { return doorbells_; }

    /// Parent: takes a free slot for a new process. Thread-safe. Empty if all are taken.
    /// @throws std::system_error if it is far and gets no doorbell, std::bad_alloc
    [[nodiscard]] std::optional<process_id> claim();
    /// Parent: no slot from this one on has ever been taken.
    [[nodiscard]] unsigned used_slots() const noexcept { return used_slots_.load(std::memory_order_acquire); }
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
    /// Makes a process retry the waiters of the objects in `ring_bits`; 0: only wakes it. A full fence first: a process
    /// that is woken or goes to sleep afterwards sees everything published before.
    ring_result ring(unsigned slot, std::uint64_t ring_bits) noexcept;
    /// What `ring` would return if it changes nothing: the bits are pending already, and the process is awake. Whatever
    /// was published before by a sequentially consistent read-modify-write is seen when it polls them.
    [[nodiscard]] std::optional<ring_result> rung(unsigned slot, std::uint64_t ring_bits) const noexcept;
    /// Every live process, this one included, retries all waiters.
    void ring_all() noexcept;
    /// Parent: writes the doorbells that other processes want written. @return whether there were any
    bool ring_for_others() noexcept;

    /// Reads and clears this process's pending bits.
    [[nodiscard]] std::uint64_t take_pending_bits() noexcept;
    /// Publish the state of this process's loop; of the parent's supervisor. Full fence.
    void set_loop(loop_state s) noexcept;
    void set_supervisor(loop_state s) noexcept;

    [[nodiscard]] loop_state loop_of(unsigned slot) const noexcept;
    /// Whether `p` is another process that runs a work item on another CPU, as far as it has published that.
    [[nodiscard]] bool runs_elsewhere(process_id p) const noexcept {
        return p.slot != self_.slot && p.slot < memory_.slots() && loop_of(p.slot) == loop_state::busy &&
               on_other_cpu(p.slot);
    }
    /// Whether a near process other than this one does.
    [[nodiscard]] bool any_runs_elsewhere() const noexcept;
    /// Publishes the CPU of this thread for the spin decisions of other processes. A few nanoseconds.
    void publish_cpu() noexcept;
    /// Whether that process last ran on another CPU than this thread.
    [[nodiscard]] bool on_other_cpu(unsigned slot) const noexcept;

private:
    void write_bell(int fd) const noexcept;
    void wake(unsigned slot) noexcept;
    void wake_supervisor() noexcept;
    void prepare_far(unsigned slot);
    [[nodiscard]] std::uint64_t identity(unsigned slot) const noexcept;
    /// Parent. @return false if the slot's identity is not `from`
    bool change(unsigned slot, std::uint64_t from, std::uint64_t to) noexcept;

    const region& memory_;
    process_id self_;
    std::vector<int> doorbells_;
    std::mutex changing_;  // a leaf: one change at a time
    // In the parent only:
    std::unique_ptr<std::atomic<std::uint64_t>[]> identities_;
    std::unique_ptr<std::atomic<int>[]> far_doorbells_;  // made when the slot is first claimed, -1 before
    std::atomic<unsigned> used_slots_{1};
};

}  // namespace cadre::detail::shm
