#include <new>
#include <span>

#include "shm/channel_recovery.hpp"
#include "shm/lock_core.hpp"
#include "shm/object_table.hpp"
#include "shm/plane_locks.hpp"
#include "shm/semaphore_core.hpp"

namespace cadre::detail::shm {

namespace {

constexpr std::size_t max_carried = std::size_t{1} << 20;

}  // namespace

bool object_table::acquire(object_ref o) {
    if (!commit_far(o)) throw std::bad_alloc();
    {
        const std::lock_guard hold(mutex_);
        const auto [found, inserted] = references_.try_emplace(o, 0u);
        if (found->second != 0 || life(o).set_presence(o, self_.slot)) {
            ++found->second;
            return true;
        }
        if (inserted)
            references_.erase(found);  // otherwise a thread of this process is creating an object in the entry
    }
    free_entry_if_unused(o);
    return false;
}

void object_table::release(object_ref o) noexcept {
    if (drop_reference(o)) free_entry_if_unused(o);
}

bool object_table::drop_reference(object_ref o) noexcept {
    const std::lock_guard hold(mutex_);
    const auto found = references_.find(o);
    if (found == references_.end() || --found->second != 0) return false;
    references_.erase(found);
    life(o).clear_presence(self_.slot);
    return true;
}

object_life<slot_set> object_table::life(object_ref o) const noexcept {
    object_entry& e = entry(o);
    return {e.state, e.changes, e.in_transit, e.queued, presence_of(o)};
}

slot_set object_table::presence_of(object_ref o) const noexcept {
    far_record* const far = memory_.far(o.slot, o.index);
    return {entry(o).presence, far != nullptr ? far->presence : nullptr};
}

slot_set object_table::waiting(object_ref o, unsigned queue) const noexcept {
    far_record* const far = memory_.far(o.slot, o.index);
    return {entry(o).interest[queue], far != nullptr ? far->interest[queue] : nullptr};
}

bool object_table::commit_far(object_ref o) const noexcept {
    if (!is_far(self_.slot)) return true;
    return memory_.commit(memory_.offset_of(memory_.far(o.slot, o.index)), offsetof(far_record, permits));
}

// The entry may have been reused before this process set its bit, and the bit may have kept its next object alive.
void object_table::free_entry_if_unused(object_ref o) noexcept {
    if (const auto w = life(o).live()) free_with_contents({o.slot, o.index, w->incarnation(), w->kind()}, false);
}

void object_table::begin_transit(object_ref o) noexcept { life(o).increment(entry(o).in_transit); }
void object_table::end_transit(object_ref o) noexcept { life(o).decrement(entry(o).in_transit); }
void object_table::add_queued(object_ref o) noexcept { life(o).increment(entry(o).queued); }
void object_table::remove_queued(object_ref o) noexcept { life(o).decrement(entry(o).queued); }

/// Frees `o` if it is unused (or completes that), then the objects to which only its unread messages referred, and so
/// on.
void object_table::free_with_contents(object_ref o, bool begun) noexcept {
    std::vector<object_ref> carried;
    if (begun || life(o).begin_freeing(o, self_.slot)) finish_freeing(o, carried);
    while (!carried.empty()) {
        const object_ref next = carried.back();
        carried.pop_back();
        if (drop_reference(next) && life(next).begin_freeing(next, self_.slot)) finish_freeing(next, carried);
    }
}

/// The supervisor may repeat each step if this process dies. `carried` gets the objects of handles in unread messages,
/// with a reference each.
void object_table::finish_freeing(object_ref o, std::vector<object_ref>& carried) noexcept {
    object_entry& e = entry(o);
    const std::size_t first = carried.size();
    const auto adopt = [&](std::span<const std::byte> message) noexcept {
        try {
            handle_names names;
            if (carried.size() < max_carried) static_cast<void>(read_names(message, names));
            carried.reserve(carried.size() + names.size());
            for (const handle_name n : names)
                if (const object_ref in = named(n); plausible(in) && acquire(in)) carried.push_back(in);
        } catch (...) {  // no private memory: the recovery after the next death frees them
        }
    };
    if (o.kind == object_kind::channel) {
        if (const auto d = data_of(o)) channel_recovery<>(memory_, d->data, d->parameter, self_).clear(adopt);
    }
    for (std::size_t i = first; i != carried.size(); ++i)
        remove_queued(carried[i]);
    const std::uint64_t offset = e.block.load();
    if (find_block(memory_, offset).offset != 0) arena::release(memory_, offset, held_by_object(o));
    life(o).mark_free(o);
}

std::optional<object_table::queued_only> object_table::find_queued_only(object_ref o) const noexcept {
    const auto counts = life(o).find_queued_only(o);
    return counts ? std::optional(queued_only{o, *counts}) : std::nullopt;
}

void object_table::clear_queued(const queued_only& q) noexcept {
    if (life(q.object).clear_queued(q.counts)) free_entry_if_unused(q.object);
}

void object_table::recover(object_ref o, process_id dead) noexcept {
    object_entry& e = entry(o);
    waiting(o, 0).erase(dead.slot);
    waiting(o, 1).erase(dead.slot);
    const object_word w{e.state.load()};
    const bool was_freeing = w.phase() == object_phase::freeing && w.slot() == dead.slot;
    // Another process may free it meanwhile and reuse its memory, so it is touched only with a reference to it.
    if (!was_freeing && !life(o).set_presence(o, supervisor_slot)) {
        life(o).clear_presence(dead.slot);
        return free_entry_if_unused(o);
    }
    const auto d = data_of(o);
    if (d && o.kind == object_kind::channel) channel_recovery<>(memory_, d->data, d->parameter, self_).recover(dead);
    if (d && o.kind == object_kind::semaphore) recover_permits(*d, o, dead);
    if (d && (o.kind == object_kind::shared_lock || o.kind == object_kind::condition)) recover_counts(*d, o, dead);
    if (was_freeing) return free_with_contents(o, true);
    lock_core<> lock(e.lock, self_);
    lock.recover(dead);
    // The dead process may have granted the lock to a process that had just stopped waiting or had died, and not have
    // revoked the grant.
    if (const auto to = lock.grantee(); to && !waits(o, *to)) lock.revoke_grant(*to);
    life(o).clear_presence(dead.slot);
    life(o).clear_presence(supervisor_slot);
    free_entry_if_unused(o);
}

void object_table::recover_counts(const object_data& d, object_ref o, process_id dead) noexcept {
    if (is_far(dead.slot) && !presence_of(o).has_group(dead.slot)) return;
    far_record* const far = memory_.far(o.slot, o.index);
    word(*const words)[2] = far != nullptr ? far->permits : nullptr;
    if (o.kind == object_kind::shared_lock)
        shared_lock_core<>(entry(o).lock, d.data, self_, words).recover_sharers(dead);
    else
        recover_condition(*this, o, slot_counts<>(d.data, words), dead);
}

// Far processes that have never used the object have no memory for permits, so they hold no permits.
void object_table::recover_permits(const object_data& d, object_ref o, process_id dead) noexcept {
    if (is_far(dead.slot) && !presence_of(o).has_group(dead.slot)) return;
    far_record* const far = memory_.far(o.slot, o.index);
    semaphore_core<>(d.data, memory_.slots(), self_, far != nullptr ? far->permits : nullptr).recover(dead);
}

bool object_table::waits(object_ref o, process_id p) const noexcept {
    return p.slot < memory_.slots() && waiting(o, 0).contains(p.slot) &&
           memory_.process(p.slot).identity.load() == identity_word(p.generation, slot_state::live);
}

}  // namespace cadre::detail::shm
