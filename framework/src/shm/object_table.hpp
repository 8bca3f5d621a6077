/// @file
/// The shared objects and the processes that use them. An object is freed when no process and no message refers to it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "shm/arena.hpp"
#include "shm/object_life.hpp"
#include "shm/object_ref.hpp"
#include "shm/slot_set.hpp"

namespace cadre::detail::shm {

/// View of the table by one process. Thread-safe. Making and finding objects: object_table.cpp; references, freeing and
/// recovery: object_table_lifetime.cpp.
class object_table {
public:
    object_table(const region& memory, process_id self);

    struct wanted {
        object_kind kind;
        std::uint64_t size = 0;
        std::uint64_t alignment = 1;
        std::uint64_t parameter = 0;
        std::uint32_t domain = 0;
    };
    /// Makes an object in this process's arena with a reference of this process; `initialise(data)` gets its zeroed
    /// data.
    /// @throws std::bad_alloc
    template <class Initialise>
    [[nodiscard]] object_ref create(arena& from, const wanted& w, Initialise initialise) {
        const object_ref o = take_entry(w);
        initialise(prepare(from, o, w));
        publish(o);
        return o;
    }

    /// Adds a reference of this process. @return false if the object no longer exists
    /// @throws std::bad_alloc
    [[nodiscard]] bool acquire(object_ref o);
    /// Removes a reference of this process. No effect if there is none.
    void release(object_ref o) noexcept;
    /// To be called when a result that carries a handle of the object is encoded; when it is decoded (after `acquire`).
    void begin_transit(object_ref o) noexcept;
    void end_transit(object_ref o) noexcept;
    /// To be called before a message that carries a handle is queued; when it is received (after `acquire`) or not
    /// queued.
    void add_queued(object_ref o) noexcept;
    void remove_queued(object_ref o) noexcept;

    /// Empty if the words of the entry are inconsistent.
    [[nodiscard]] std::optional<object_data> data_of(object_ref o) const noexcept;
    [[nodiscard]] object_entry& entry(object_ref o) const noexcept { return memory_.object(o.slot, o.index); }
    /// Whether the numbers of `o` are in range.
    [[nodiscard]] bool plausible(object_ref o) const noexcept;

    /// Calls `f(slot)` for every process that has a reference, until it returns false.
    template <class F>
    void for_each_user(object_ref o, F f) const noexcept {
        presence_of(o).for_each(0, memory_.slots(), f);
    }

    /// Supervisor: removes the references of the dead process, completes or reverts its operations on the object.
    void recover(object_ref o, process_id dead) noexcept;
    /// The processes that wait in a queue of the object.
    [[nodiscard]] slot_set waiting(object_ref o, unsigned queue) const noexcept;
    /// An object to which only queued messages refer, by the count, which may be too high: see object_life.
    struct queued_only {
        object_ref object;
        object_life<slot_set>::queued_only counts;
    };
    /// Supervisor. Empty if the object has other references, or does not exist.
    [[nodiscard]] std::optional<queued_only> find_queued_only(object_ref o) const noexcept;
    /// Supervisor, if no message carries the object: clears the count and frees the object, unless it has changed
    /// since.
    void clear_queued(const queued_only& q) noexcept;
    /// Calls `f(object_ref, object_phase)` for every object that is not free, of the arenas of slots below `slots`.
    template <class F>
    void for_each(F f, unsigned slots = near_slots) const {
        for (unsigned slot = 0; slot != std::min(memory_.slots(), slots); ++slot) {
            std::uint64_t used = memory_.arena(slot).objects_used.load(std::memory_order_acquire);
            if (used > memory_.layout(slot).objects) used = memory_.layout(slot).objects;
            // Does not trust the owner's count: it visits every entry that was written, so every used one.
            if (used != 0)
                used = std::min(used, memory_.written_from(&memory_.object(slot, 0)) / sizeof(object_entry) + 1);
            for (std::uint32_t i = 0; i < used; ++i) {
                const object_word w{memory_.object(slot, i).state.load()};
                if (w.phase() != object_phase::free) f(object_ref{slot, i, w.incarnation(), w.kind()}, w.phase());
            }
        }
    }

private:
    [[nodiscard]] object_ref take_entry(const wanted& w);
    [[nodiscard]] std::byte* prepare(arena& from, object_ref o, const wanted& w);
    void publish(object_ref o) noexcept;
    /// Reverts `take_entry`.
    void return_entry(object_ref o) noexcept;
    [[nodiscard]] object_life<slot_set> life(object_ref o) const noexcept;
    /// @return whether this process used the object and no longer uses it: then free it if it is unused
    [[nodiscard]] bool drop_reference(object_ref o) noexcept;
    /// Frees the present object of the entry if it is unused, also if that is not `o` any more.
    void free_entry_if_unused(object_ref o) noexcept;
    [[nodiscard]] slot_set presence_of(object_ref o) const noexcept;
    /// The memory of the sets of far processes, if this process is one. @return false if there is none
    [[nodiscard]] bool commit_far(object_ref o) const noexcept;
    void free_with_contents(object_ref o, bool begun) noexcept;
    void finish_freeing(object_ref o, std::vector<object_ref>& carried) noexcept;
    /// Sharers of a shared lock, waiters of a condition.
    void recover_counts(const object_data& d, object_ref o, process_id dead) noexcept;
    void recover_permits(const object_data& d, object_ref o, process_id dead) noexcept;
    /// Whether `p` is alive and waits for the object's lock.
    [[nodiscard]] bool waits(object_ref o, process_id p) const noexcept;

    const region& memory_;
    process_id self_;
    const arena_layout& layout_;
    std::mutex mutex_;  // guards the members below and this process's own bits in presence words
    std::map<object_ref, unsigned> references_;  // of this process
    deferred_reclaim_list<std::uint32_t> entries_;
    std::uint64_t committed_ = 0;  // entries with memory behind them
    std::uint64_t used_ = 0;  // entries below this may be in use; published as arena_header::objects_used
};

}  // namespace cadre::detail::shm
