#include "shm/crash_recovery.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include "shm/channel_recovery.hpp"

namespace cadre::detail::shm {

namespace {

/// Releases the blocks that the dead process held and that are in no queue. No block of the dead process was queued
/// after its death, and a live receiver claims a block before it removes it from a queue. So a block that the dead
/// process holds and that is in no queue now is unused.
void free_blocks(plane_core& core, process_id dead) {
    const region& memory = core.memory;
    std::vector<std::uint64_t> held;
    for (unsigned slot = 0; slot != core.table.used_slots(); ++slot)
        for_each_block(memory, slot, [&](block_location b) {
            if (holder_of(memory, b.offset).load() == held_by(dead)) held.push_back(b.offset);
        });
    if (held.empty()) return;
    std::vector<std::uint64_t> queued;
    core.objects.for_each(
        [&](object_ref o, object_phase) {
            if (o.kind != object_kind::channel) return;
            if (const auto d = core.objects.data_of(o))
                channel_recovery<>(memory, d->data, d->parameter, core.table.self())
                    .for_each_block([&](std::uint64_t offset) { queued.push_back(offset); });
        },
        core.table.used_slots());
    std::ranges::sort(queued);
    for (const std::uint64_t offset : held)
        if (!std::ranges::binary_search(queued, offset)) arena::release(memory, offset, held_by(dead));
}

/// Frees objects to which, by their count, only queued messages refer, and which no message carries.
void free_miscounted(plane_core& core) {
    std::vector<object_table::queued_only> counted;
    const unsigned slots = core.table.used_slots();
    core.objects.for_each(
        [&](object_ref o, object_phase) {
            if (const auto q = core.objects.find_queued_only(o)) counted.push_back(*q);
        },
        slots);
    if (counted.empty()) return;
    constexpr std::size_t max_found = std::size_t{1} << 22;  // invalid cells may name the same long list many times
    std::vector<object_ref> found;
    handle_names names;
    core.objects.for_each(
        [&](object_ref o, object_phase) {
            if (o.kind != object_kind::channel) return;
            if (const auto d = core.objects.data_of(o))
                channel_recovery<>(core.memory, d->data, d->parameter, core.table.self())
                    .for_each_carrier([&](std::span<const std::byte> message) {
                        names.clear();
                        if (found.size() < max_found) static_cast<void>(read_names(message, names));
                        for (const handle_name n : names)
                            found.push_back(named(n));
                    });
        },
        slots);
    if (found.size() >= max_found) return;
    std::ranges::sort(found);
    for (const auto& q : counted)
        if (!std::ranges::binary_search(found, q.object)) core.objects.clear_queued(q);
}

/// Returns the units without a used block to the system: the arena has no owner now.
void shrink_arena(const region& memory, unsigned slot) noexcept {
    unit_entries entries(memory, slot);
    const std::uint64_t used = entries.used();
    written_ranges written(memory);
    std::uint64_t idle = 0;  // units [idle, u) are unused
    const auto discard = [&](std::uint64_t to) {
        if (to > idle) memory.discard(memory.unit_offset(slot, idle), (to - idle) * unit_size);
    };
    for (std::uint64_t u = 0; u < used;) {
        const std::uint32_t what = entries.at(u);
        std::uint64_t length = 1;
        bool free = true;
        const std::uint64_t start = memory.unit_offset(slot, u);
        if (what == 0 || !written.contain(start)) {
            // Free already.
        } else if ((what & small_unit) != 0) {
            const std::uint32_t c = what & ~small_unit;
            const std::uint32_t size = c < block_classes.size() ? block_classes[c] : unit_size;
            for (std::uint64_t at = 0; free && at + size <= unit_size && written.contain(start + at); at += size)
                free = holder_of(memory, start + at).load() == nobody;
        } else if (what <= used - u) {
            length = what;
            free = holder_of(memory, start).load() == nobody;
        } else {  // an invalid entry: what belongs to the run is unknown
            length = used - u;
            free = false;
        }
        if (free) {
            if (what != 0) memory.unit(slot, u).store(0);
            u += length;
        } else {
            discard(u);
            u += length;
            idle = u;
        }
    }
    discard(used);
    memory.release_view(memory.arena_offset(slot), memory.arena_size(slot));
}

}  // namespace

// `object_table::recover` (object_table_lifetime.cpp) recovers one object: its lock (lock_core.hpp), and what is in a
// channel (channel_recovery.hpp) or a semaphore (semaphore_core.hpp).
void recover(plane_core& core, process_id dead, process_set& waiting) noexcept {
    const unsigned slots = core.table.used_slots();
    core.objects.for_each([&](object_ref o, object_phase) { core.objects.recover(o, dead); }, slots);
    try {
        free_blocks(core, dead);
        free_miscounted(core);
    } catch (...) {  // no private memory for the lists: the blocks and objects leak
    }
    shrink_arena(core.memory, dead.slot);
    // Last: a process that is not found here looks at the recovered objects after it has announced that it waits.
    core.objects.for_each(
        [&](object_ref o, object_phase) {
            for (const unsigned queue : {0u, 1u})
                core.objects.waiting(o, queue).for_each(0, slots, [&](unsigned slot) {
                    waiting.set(slot);
                    return true;
                });
        },
        slots);
}

}  // namespace cadre::detail::shm
