#include "shm/object_table.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <span>

#include "shm/channel_core.hpp"
#include "shm/lock_core.hpp"
#include "shm/semaphore_core.hpp"

namespace cadre::detail::shm {

namespace {

constexpr std::uint64_t entries_step = 64;  // three pages
constexpr std::uint64_t entries_step_bytes = entries_step * sizeof(object_entry);
static_assert(entries_step_bytes % page_size == 0);

// Bounds loops that others can prolong.
constexpr unsigned max_retries = 1u << 16;

constexpr std::size_t max_orphans = std::size_t{1} << 20;

constexpr std::uint64_t bit(unsigned slot) noexcept { return std::uint64_t{1} << (slot % 64); }

}  // namespace

object_table::object_table(const region& memory, process_id self) : memory_(memory), self_(self) {
    const std::uint64_t used =
        std::min(memory_.arena(self_.slot).objects_used.load(std::memory_order_acquire), memory_.layout().objects);
    for (std::uint32_t i = 0; i < used; ++i)
        entries_.add_pending(i);
    committed_ = (used + entries_step - 1) / entries_step * entries_step;
}

object_ref object_table::take_entry(const wanted& w) {
    const std::lock_guard hold(mutex_);
    const auto free = [this](std::uint32_t i) {
        return object_word{memory_.object(self_.slot, i).state.load(std::memory_order_acquire)}.phase() ==
               object_phase::free;
    };
    std::uint32_t index = 0;
    if (!entries_.take(index, free)) {
        word& used = memory_.arena(self_.slot).objects_used;
        const std::uint64_t next = used.load(std::memory_order_relaxed);
        if (next >= memory_.layout().objects) throw std::bad_alloc();
        if (committed_ == 0 && !memory_.commit(memory_.arena_offset(self_.slot), page_size)) throw std::bad_alloc();
        if (next >= committed_) {
            const std::uint64_t start = memory_.arena_offset(self_.slot) + memory_.layout().object_table;
            const std::uint64_t upto = std::min(memory_.layout().objects, next + entries_step);
            if (!memory_.commit(start + next * sizeof(object_entry), (upto - next) * sizeof(object_entry)))
                throw std::bad_alloc();
            committed_ = upto;
        }
        index = static_cast<std::uint32_t>(next);
        entries_.add_pending(index);
        used.store(next + 1, std::memory_order_release);
    }
    // Until it is published it counts as being freed by us, and as of no kind: what its other words say is outdated.
    object_entry& e = memory_.object(self_.slot, index);
    const std::uint32_t incarnation = object_word{e.state.load(std::memory_order_relaxed)}.incarnation() + 1;
    const object_ref o{self_.slot, index, incarnation, w.kind};
    users_.insert_or_assign(o, 0u);  // may throw: the entry stays free
    e.state.store(object_word::make(incarnation, object_kind::none, object_phase::freeing, self_.slot).raw);
    return o;
}

std::byte* object_table::prepare(arena& from, object_ref o, const wanted& w) {
    object_entry& e = entry(o);
    std::byte* data = nullptr;
    if (w.size != 0) {
        const std::uint64_t alignment = std::max<std::uint64_t>(w.alignment, 16);
        if (alignment > unit_size || w.size > memory_.arena_size()) {
            forget_entry(o);
            throw std::bad_alloc();
        }
        const arena::allocation a = from.allocate(w.size + alignment - 16);
        if (a.block.offset == 0) {
            forget_entry(o);
            throw std::bad_alloc();
        }
        const std::uint64_t start = (a.block.data() + alignment - 1) / alignment * alignment;
        data = memory_.at<std::byte>(start);
        if (!a.zeroed) std::memset(data, 0, w.size);
        e.block.store(a.block.offset);
        e.data.store(start);
        holder_of(memory_, a.block.offset).store(held_by_object(o));
    } else {
        e.block.store(0);
        e.data.store(0);
    }
    e.size.store(w.size);
    e.parameter.store(w.parameter);
    e.domain.store(w.domain);
    e.lock.store(0);
    e.in_transit.store(0);
    const std::lock_guard hold(mutex_);  // a thread of ours may be taking back a bit of the entry's former object
    for (unsigned i = 0; i != slot_words; ++i) {
        e.presence[i].store(0);
        e.interest[0][i].store(0);
        e.interest[1][i].store(0);
    }
    e.presence[self_.slot / 64].store(bit(self_.slot));
    e.queued.store(0);
    users_.find(o)->second = 1;
    return data;
}

void object_table::publish(object_ref o) noexcept {
    entry(o).state.store(object_word::make(o.incarnation, o.kind, object_phase::live).raw);
}

void object_table::forget_entry(object_ref o) noexcept {
    give_up_entry(o);
    const std::lock_guard hold(mutex_);
    users_.erase(o);
}

void object_table::give_up_entry(object_ref o) noexcept {
    entry(o).state.store(object_word::make(o.incarnation, object_kind::none, object_phase::free).raw);
}

bool object_table::plausible(object_ref o) const noexcept {
    return o.slot < memory_.slots() && o.index < memory_.layout().objects &&
           o.index < memory_.arena(o.slot).objects_used.load(std::memory_order_acquire);
}

// Every change of presence or in_transit is announced in `changes` before it is made, so that `unused` can tell whether
// it has seen all of them in one state.

// An object is freed by a compare-and-swap from the state word that was read before it was found unused. Who comes sets
// its bit first and then counts itself in that word; so either that swap fails, or who comes finds the object freed.
// Handles that something keeps never meet with this; those of the dead may be decoded when nothing keeps the object.

bool object_table::enter(object_ref o) {
    {
        const std::lock_guard hold(mutex_);
        unsigned& users = users_[o];
        if (users != 0 || add_ref(o, self_.slot)) {
            ++users;
            return true;
        }
        users_.erase(o);
    }
    free_entry_if_unused(o);
    return false;
}

void object_table::leave(object_ref o) noexcept {
    {
        const std::lock_guard hold(mutex_);
        const auto found = users_.find(o);
        if (found == users_.end() || --found->second != 0) return;
        users_.erase(found);
        release(o, self_.slot);
    }
    free_entry_if_unused(o);
}

bool object_table::add_ref(object_ref o, unsigned slot) noexcept {
    object_entry& e = entry(o);
    const object_word live = object_word::make(o.incarnation, o.kind, object_phase::live);
    object_word w{e.state.load()};
    if (!w.is(live)) return false;
    e.changes.fetch_add(1);
    e.presence[slot / 64].fetch_or(bit(slot));
    // Others who come may be first, though not for ever.
    for (unsigned tries = 0; tries != max_retries && w.is(live); ++tries)
        if (e.state.compare_exchange_strong(w.raw, w.arrived().raw)) return true;
    release(o, slot);
    return false;
}

void object_table::release(object_ref o, unsigned slot) noexcept {
    object_entry& e = entry(o);
    e.changes.fetch_add(1);
    e.presence[slot / 64].fetch_and(~bit(slot));
}

/// After `go`: also if the object was freed before we came, since our bit may have kept the next one of the entry.
void object_table::free_entry_if_unused(object_ref o) noexcept {
    const object_word w{entry(o).state.load()};
    if (w.phase() == object_phase::live) free_with_contents({o.slot, o.index, w.incarnation(), w.kind()}, false);
}

void object_table::send(object_ref o) noexcept { increment(o, &object_entry::in_transit); }
void object_table::arrive(object_ref o) noexcept { decrement(o, &object_entry::in_transit); }
void object_table::queue(object_ref o) noexcept { increment(o, &object_entry::queued); }
void object_table::unqueue(object_ref o) noexcept { decrement(o, &object_entry::queued); }

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

bool object_table::unused(const object_entry& e) const noexcept {
    // If others keep changing it, one of them leaves after us, and asks again.
    for (unsigned tries = 0; tries != 16; ++tries) {
        const std::uint64_t before = e.changes.load();
        std::uint64_t users = e.in_transit.load() | e.queued.load();
        for (const word& w : e.presence)
            users |= w.load();
        if (e.changes.load() == before) return users == 0;
    }
    return false;
}

bool object_table::begin_freeing(object_ref o) noexcept {
    object_entry& e = entry(o);
    const object_word live = object_word::make(o.incarnation, o.kind, object_phase::live);
    const object_word mine = object_word::make(o.incarnation, o.kind, object_phase::freeing, self_.slot);
    for (unsigned tries = 0; tries != max_retries; ++tries) {
        object_word w{e.state.load()};
        if (!w.is(live) || !unused(e)) return false;
        if (e.state.compare_exchange_strong(w.raw, mine.raw)) return true;
    }
    return false;
}

/// Frees `o` if nobody uses it (or goes on freeing it), then what only its unread messages had kept, and so on.
void object_table::free_with_contents(object_ref o, bool begun) noexcept {
    std::vector<object_ref> orphans;
    if (begun || begin_freeing(o)) finish_freeing(o, orphans);
    while (!orphans.empty()) {
        const object_ref next = orphans.back();
        orphans.pop_back();
        {
            const std::lock_guard hold(mutex_);
            const auto found = users_.find(next);
            if (found == users_.end() || --found->second != 0) continue;
            users_.erase(found);
            release(next, self_.slot);
        }
        if (begin_freeing(next)) finish_freeing(next, orphans);
    }
}

/// Each step may be repeated, by the supervisor if we die. What the block no longer holds is another's. `orphans` gets what
/// unread messages carried, entered.
void object_table::finish_freeing(object_ref o, std::vector<object_ref>& orphans) noexcept {
    object_entry& e = entry(o);
    const std::size_t first = orphans.size();
    const auto adopt = [&](std::span<const std::byte> message) noexcept {
        try {
            handle_names names;
            if (orphans.size() < max_orphans) static_cast<void>(read_names(message, names));
            orphans.reserve(orphans.size() + names.size());
            for (const handle_name n : names)
                if (const object_ref in = named(n); plausible(in) && enter(in)) orphans.push_back(in);
        } catch (...) {  // no private memory: what was only there goes when the next process dies
        }
    };
    if (o.kind == object_kind::channel) {
        if (const auto d = data_of(o)) channel_core<>(memory_, d->data, d->parameter, self_).clear(adopt);
    }
    for (std::size_t i = first; i != orphans.size(); ++i)
        unqueue(orphans[i]);
    const std::uint64_t offset = e.block.load();
    if (find_block(memory_, offset).offset != 0) arena::release(memory_, offset, held_by_object(o));
    give_up_entry(o);
}

std::optional<object_table::carried> object_table::only_carried(object_ref o) const noexcept {
    const object_entry& e = entry(o);
    carried c{o, 0, e.changes.load()};
    c.queued = e.queued.load();
    if (c.queued == 0 || !object_word{e.state.load()}.is(object_word::make(o.incarnation, o.kind, object_phase::live)))
        return std::nullopt;
    for (const word& w : e.presence)
        if (w.load() != 0) return std::nullopt;
    return c;
}

// Whoever takes a handle out of a message, or puts one into a message, uses the object then: it would have changed.
void object_table::not_carried(const carried& c) noexcept {
    object_entry& e = entry(c.object);
    std::uint64_t queued = c.queued;
    if (e.changes.load() == c.changes && e.queued.compare_exchange_strong(queued, 0)) free_entry_if_unused(c.object);
}

std::optional<object_data> object_table::data_of(object_ref o) const noexcept {
    const object_entry& e = entry(o);
    object_data d;
    const std::uint64_t start = e.data.load();
    d.size = e.size.load();
    d.parameter = e.parameter.load();
    const std::uint64_t domain = e.domain.load();
    if (domain >= max_domains) return std::nullopt;
    d.domain = static_cast<std::uint32_t>(domain);
    if (d.size == 0)
        return o.kind == object_kind::lock || o.kind == object_kind::block ? std::optional(d) : std::nullopt;
    const block_place b = find_block(memory_, e.block.load());
    if (b.offset == 0 || holder_of(memory_, b.offset).load() != held_by_object(o)) return std::nullopt;
    if (start < b.data() || d.size > b.room || start - b.data() > b.room - d.size) return std::nullopt;
    if (o.kind == object_kind::channel &&
        (start % 64 != 0 || d.parameter == 0 || d.parameter > channel_core<>::max_cells ||
         channel_core<>::bytes(d.parameter) > d.size))
        return std::nullopt;
    if (o.kind == object_kind::semaphore && (start % 64 != 0 || semaphore_core<>::bytes(memory_.slots()) > d.size))
        return std::nullopt;
    d.data = memory_.at<std::byte>(start);
    return d;
}

void object_table::bury(object_ref o, process_id dead) noexcept {
    object_entry& e = entry(o);
    e.interest[0][dead.slot / 64].fetch_and(~bit(dead.slot));
    e.interest[1][dead.slot / 64].fetch_and(~bit(dead.slot));
    const object_word w{e.state.load()};
    const bool was_freeing = w.phase() == object_phase::freeing && w.slot() == dead.slot;
    // Others may free it meanwhile, and its memory become something else: it is kept, or it is not touched.
    if (!was_freeing && !add_ref(o, supervisor_slot)) {
        release(o, dead.slot);
        return free_entry_if_unused(o);
    }
    const auto d = data_of(o);
    if (d && o.kind == object_kind::channel) channel_core<>(memory_, d->data, d->parameter, self_).bury(dead);
    if (d && o.kind == object_kind::semaphore) semaphore_core<>(d->data, memory_.slots(), self_).bury(dead);
    if (was_freeing) return free_with_contents(o, true);
    lock_core<> lock(e.lock, self_);
    lock.bury(dead);
    // The dead process may have granted the lock to one that had just stopped waiting, or died before it, and not lived
    // to take it back.
    if (const auto to = lock.grantee(); to && !waits(e, *to)) lock.decline(*to);
    release(o, dead.slot);
    release(o, supervisor_slot);
    free_entry_if_unused(o);
}

bool object_table::waits(const object_entry& e, process_id p) const noexcept {
    return p.slot < memory_.slots() && (e.interest[0][p.slot / 64].load() & bit(p.slot)) != 0 &&
           memory_.process(p.slot).identity.load() == identity_word(p.generation, slot_state::live);
}

}  // namespace cadre::detail::shm
