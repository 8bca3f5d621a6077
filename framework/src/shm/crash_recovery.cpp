#include "shm/crash_recovery.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include "shm/channel_core.hpp"

namespace cadre::detail::shm {

namespace {

/// Blocks that the dead process held and no queue refers to. Nobody can have put one into a queue since it died; a live
/// receiver that takes one out of a queue makes it its own first. So what is held by the dead and lies in no queue now is free.
void free_blocks(plane_core& core, process_id dead) {
    const region& memory = core.memory;
    std::vector<std::uint64_t> held;
    for (unsigned slot = 0; slot != memory.slots(); ++slot)
        for_each_block(memory, slot, [&](block_place b) {
            if (holder_of(memory, b.offset).load() == held_by(dead)) held.push_back(b.offset);
        });
    if (held.empty()) return;
    std::vector<std::uint64_t> queued;
    core.objects.for_each([&](object_ref o, object_phase) {
        if (o.kind != object_kind::channel) return;
        if (const auto d = core.objects.data_of(o))
            channel_core<>(memory, d->data, d->parameter, core.table.self()).for_each_block([&](std::uint64_t offset) {
                queued.push_back(offset);
            });
    });
    std::ranges::sort(queued);
    for (const std::uint64_t offset : held)
        if (!std::ranges::binary_search(queued, offset)) arena::release(memory, offset, held_by(dead));
}

/// What is only said to be carried by messages, and is not.
void free_lost(plane_core& core) {
    std::vector<object_table::carried> said;
    core.objects.for_each([&](object_ref o, object_phase) {
        if (const auto c = core.objects.only_carried(o)) said.push_back(*c);
    });
    if (said.empty()) return;
    constexpr std::size_t max_found = std::size_t{1} << 22;  // many cells may claim the same long list
    std::vector<object_ref> found;
    handle_names names;
    core.objects.for_each([&](object_ref o, object_phase) {
        if (o.kind != object_kind::channel) return;
        if (const auto d = core.objects.data_of(o))
            channel_core<>(core.memory, d->data, d->parameter, core.table.self())
                .for_each_carrier([&](std::span<const std::byte> message) {
                    names.clear();
                    if (found.size() < max_found) static_cast<void>(read_names(message, names));
                    for (const handle_name n : names)
                        found.push_back(named(n));
                });
    });
    if (found.size() >= max_found) return;
    std::ranges::sort(found);
    for (const auto& c : said)
        if (!std::ranges::binary_search(found, c.object)) core.objects.not_carried(c);
}

/// The dead process's arena has no owner now: units without a used block go back to the system.
void shrink_arena(const region& memory, unsigned slot) noexcept {
    const std::uint64_t units = memory.layout().units;
    const std::uint64_t used = std::min(memory.arena(slot).units_used.load(), units);
    std::uint64_t idle = 0;  // units [idle, u) are in nobody's hands
    const auto discard = [&](std::uint64_t to) {
        if (to > idle) memory.discard(memory.unit_offset(slot, idle), (to - idle) * unit_size);
    };
    for (std::uint64_t u = 0; u < used;) {
        half_word& entry = memory.unit(slot, u);
        const std::uint32_t what = entry.load();
        std::uint64_t length = 1;
        bool free = true;
        const std::uint64_t start = memory.unit_offset(slot, u);
        if ((what & small_unit) != 0) {
            const std::uint32_t c = what & ~small_unit;
            const std::uint32_t size = c < block_classes.size() ? block_classes[c] : unit_size;
            for (std::uint64_t at = 0; free && at + size <= unit_size; at += size)
                free = holder_of(memory, start + at).load() == nobody;
        } else if (what != 0 && what <= used - u) {
            length = what;
            free = holder_of(memory, start).load() == nobody;
        } else if (what != 0) {
            free = false;
        }
        if (free) {
            if (what != 0) entry.store(0);
            u += length;
        } else {
            discard(u);
            u += length;
            idle = u;
        }
    }
    discard(used);
}

}  // namespace

void bury(plane_core& core, process_id dead) noexcept {
    core.objects.for_each([&](object_ref o, object_phase) { core.objects.bury(o, dead); });
    try {
        free_blocks(core, dead);
        free_lost(core);
    } catch (...) {  // no private memory for the lists: it stays taken
    }
    shrink_arena(core.memory, dead.slot);
}

}  // namespace cadre::detail::shm
