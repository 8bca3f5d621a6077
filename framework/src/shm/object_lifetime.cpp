#include <new>
#include <span>

#include "shm/channel_recovery.hpp"
#include "shm/lock_core.hpp"
#include "shm/object_table.hpp"
#include "shm/plane_locks.hpp"
#include "shm/semaphore_core.hpp"

namespace cadre::detail::shm {

namespace {

// Bounds loops that other processes can prolong.
constexpr unsigned max_retries = 1u << 16;

constexpr std::size_t max_carried = std::size_t{1} << 20;

}  // namespace

// Every change of presence, in_transit or queued increments `changes` before it is made, so that `unused` can detect
// whether it has read all of them in one state.

// An object is freed by a compare-and-swap from the state word that was read before the object was found unused. A process
// that acquires it first sets its presence bit and then counts itself in that word. So either the compare-and-swap fails, or
// the acquiring process finds the object freed. This race cannot involve a handle of a live process or of a queued message,
// since both keep the object in use; it arises only when a handle that a dead process left is decoded.

bool object_table::acquire(object_ref o) {
    if (!commit_far(o)) throw std::bad_alloc();
    {
        const std::lock_guard hold(mutex_);
        const auto [found, inserted] = references_.try_emplace(o, 0u);
        if (found->second != 0 || set_presence(o, self_.slot)) {
            ++found->second;
            return true;
        }
        if (inserted) references_.erase(found);  // else a thread of this process creates an object in the entry now
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
    clear_presence(o, self_.slot);
    return true;
}

bool object_table::set_presence(object_ref o, unsigned slot) noexcept {
    object_entry& e = entry(o);
    const object_word live = object_word::make(o.incarnation, o.kind, object_phase::live);
    object_word w{e.state.load()};
    if (!w.is(live)) return false;
    e.changes.fetch_add(1);
    presence_of(o).insert(slot);
    // Other arrivals may make it fail, a bounded number of times.
    for (unsigned tries = 0; tries != max_retries && w.is(live); ++tries)
        if (e.state.compare_exchange_strong(w.raw, w.arrived().raw)) return true;
    clear_presence(o, slot);
    return false;
}

void object_table::clear_presence(object_ref o, unsigned slot) noexcept {
    entry(o).changes.fetch_add(1);
    presence_of(o).erase(slot);
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
    const object_word w{entry(o).state.load()};
    if (w.phase() == object_phase::live) free_with_contents({o.slot, o.index, w.incarnation(), w.kind()}, false);
}

void object_table::begin_transit(object_ref o) noexcept { increment(o, &object_entry::in_transit); }
void object_table::end_transit(object_ref o) noexcept { decrement(o, &object_entry::in_transit); }
void object_table::add_queued(object_ref o) noexcept { increment(o, &object_entry::queued); }
void object_table::remove_queued(object_ref o) noexcept { decrement(o, &object_entry::queued); }

void object_table::increment(object_ref o, word object_entry::* handles) noexcept {
    object_entry& e = entry(o);
    e.changes.fetch_add(1);
    (e.*handles).fetch_add(1);
}

void object_table::decrement(object_ref o, word object_entry::* handles) noexcept {
    object_entry& e = entry(o);
    e.changes.fetch_add(1);
    std::uint64_t n = (e.*handles).load();
    while (n != 0 && !(e.*handles).compare_exchange_weak(n, n - 1)) {
    }
}

bool object_table::unused(object_ref o) const noexcept {
    const object_entry& e = entry(o);
    // A process that changes it meanwhile calls this again when it releases the object.
    for (unsigned tries = 0; tries != 16; ++tries) {
        const std::uint64_t before = e.changes.load();
        const bool handles = (e.in_transit.load() | e.queued.load()) != 0;
        const bool users = !presence_of(o).empty();
        if (e.changes.load() == before) return !handles && !users;
    }
    return false;
}

bool object_table::begin_freeing(object_ref o) noexcept {
    object_entry& e = entry(o);
    const object_word live = object_word::make(o.incarnation, o.kind, object_phase::live);
    const object_word mine = object_word::make(o.incarnation, o.kind, object_phase::freeing, self_.slot);
    for (unsigned tries = 0; tries != max_retries; ++tries) {
        object_word w{e.state.load()};
        if (!w.is(live) || !unused(o)) return false;
        if (e.state.compare_exchange_strong(w.raw, mine.raw)) return true;
    }
    return false;
}

/// Frees `o` if it is unused (or completes that), then the objects to which only its unread messages referred, and so on.
void object_table::free_with_contents(object_ref o, bool begun) noexcept {
    std::vector<object_ref> carried;
    if (begun || begin_freeing(o)) finish_freeing(o, carried);
    while (!carried.empty()) {
        const object_ref next = carried.back();
        carried.pop_back();
        if (drop_reference(next) && begin_freeing(next)) finish_freeing(next, carried);
    }
}

/// The supervisor may repeat each step if this process dies. `carried` gets the objects of handles in unread messages, with a
/// reference each.
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
    mark_free(o);
}

std::optional<object_table::queued_only> object_table::find_queued_only(object_ref o) const noexcept {
    const object_entry& e = entry(o);
    queued_only q{o, 0, e.changes.load()};
    q.queued = e.queued.load();
    if (q.queued == 0 || !object_word{e.state.load()}.is(object_word::make(o.incarnation, o.kind, object_phase::live)))
        return std::nullopt;
    if (!presence_of(o).empty()) return std::nullopt;
    return q;
}

// A process that queues or receives a message acquires the objects of its handles, which increments `changes`.
void object_table::clear_queued(const queued_only& q) noexcept {
    object_entry& e = entry(q.object);
    std::uint64_t queued = q.queued;
    if (e.changes.load() == q.changes && e.queued.compare_exchange_strong(queued, 0)) free_entry_if_unused(q.object);
}

void object_table::recover(object_ref o, process_id dead) noexcept {
    object_entry& e = entry(o);
    waiting(o, 0).erase(dead.slot);
    waiting(o, 1).erase(dead.slot);
    const object_word w{e.state.load()};
    const bool was_freeing = w.phase() == object_phase::freeing && w.slot() == dead.slot;
    // Another process may free it meanwhile and reuse its memory, so it is touched only with a reference to it.
    if (!was_freeing && !set_presence(o, supervisor_slot)) {
        clear_presence(o, dead.slot);
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
    clear_presence(o, dead.slot);
    clear_presence(o, supervisor_slot);
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

// Far processes that have never used the object have no memory for their permits: they have none.
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
