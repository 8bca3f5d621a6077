#include "shm/object_table.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "shm/channel_layout.hpp"
#include "shm/semaphore_core.hpp"
#include "shm/shared_lock_core.hpp"
#include "shm/slot_counts.hpp"

namespace cadre::detail::shm {

namespace {

constexpr std::uint64_t entries_step = 64;  // three pages
constexpr std::uint64_t entries_step_bytes = entries_step * sizeof(object_entry);
static_assert(entries_step_bytes % page_size == 0);

}  // namespace

object_table::object_table(const region& memory, process_id self)
    : memory_(memory), self_(self), layout_(memory.layout(self.slot)) {
    const std::uint64_t used =
        std::min(memory_.arena(self_.slot).objects_used.load(std::memory_order_acquire), layout_.objects);
    for (std::uint32_t i = 0; i < used; ++i)
        entries_.add_pending(i);
    used_ = used;
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
        const std::uint64_t next = used_;
        if (next >= layout_.objects) throw std::bad_alloc();
        if (committed_ == 0 && !memory_.commit(memory_.arena_offset(self_.slot), page_size)) throw std::bad_alloc();
        if (next >= committed_) {
            const std::uint64_t start = memory_.arena_offset(self_.slot) + layout_.object_table;
            const std::uint64_t upto = std::min(layout_.objects, next + entries_step);
            if (!memory_.commit(start + next * sizeof(object_entry), (upto - next) * sizeof(object_entry)))
                throw std::bad_alloc();
            committed_ = upto;
        }
        index = static_cast<std::uint32_t>(next);
        entries_.add_pending(index);
        used_ = next + 1;
    }
    // The word is stored even if another process has overwritten it.
    word& used = memory_.arena(self_.slot).objects_used;
    if (used.load(std::memory_order_relaxed) != used_) used.store(used_, std::memory_order_release);
    // Until it is published the entry is in phase freeing and of no kind: its other words are outdated.
    object_entry& e = memory_.object(self_.slot, index);
    const std::uint32_t incarnation = object_word{e.state.load(std::memory_order_relaxed)}.incarnation() + 1;
    const object_ref o{self_.slot, index, incarnation, w.kind};
    if (!commit_far(o)) throw std::bad_alloc();
    references_.insert_or_assign(o, 0u);  // may throw: the entry stays free
    e.state.store(object_word::make(incarnation, object_kind::none, object_phase::freeing, self_.slot).raw);
    return o;
}

std::byte* object_table::prepare(arena& from, object_ref o, const wanted& w) {
    object_entry& e = entry(o);
    std::byte* data = nullptr;
    if (w.size != 0) {
        const std::uint64_t alignment = std::max<std::uint64_t>(w.alignment, 16);
        if (alignment > unit_size || w.size > memory_.arena_size(self_.slot)) {
            return_entry(o);
            throw std::bad_alloc();
        }
        const arena::allocation a = from.allocate(w.size + alignment - 16);
        if (a.block.offset == 0) {
            return_entry(o);
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
    const std::lock_guard hold(mutex_);  // another thread may be clearing a presence bit of the entry's former object
    bool far = false;
    for (near_set* const set : {&e.presence, &e.interest[0], &e.interest[1]}) {
        far |= set->groups.exchange(0) != 0;
        set->slots.store(0);
    }
    if (far_record* const record = memory_.far(o.slot, o.index); far && record != nullptr)
        memory_.discard(memory_.offset_of(record), sizeof *record);
    presence_of(o).insert(self_.slot);
    e.queued.store(0);
    references_.insert_or_assign(o, 1u);
    return data;
}

void object_table::publish(object_ref o) noexcept {
    entry(o).state.store(object_word::make(o.incarnation, o.kind, object_phase::live).raw);
}

void object_table::return_entry(object_ref o) noexcept {
    life(o).mark_free(o);
    const std::lock_guard hold(mutex_);
    references_.erase(o);
}

bool object_table::plausible(object_ref o) const noexcept {
    return o.slot < memory_.slots() && o.slot != supervisor_slot && o.index < memory_.layout(o.slot).objects &&
           o.index < memory_.arena(o.slot).objects_used.load(std::memory_order_acquire);
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
    const block_location b = find_block(memory_, e.block.load());
    if (b.offset == 0 || holder_of(memory_, b.offset).load() != held_by_object(o)) return std::nullopt;
    if (start < b.data() || d.size > b.room || start - b.data() > b.room - d.size) return std::nullopt;
    if (o.kind == object_kind::channel &&
        (start % 64 != 0 || d.parameter == 0 || d.parameter > channel_words::max_cells ||
         channel_words::bytes(d.parameter) > d.size))
        return std::nullopt;
    if (o.kind == object_kind::semaphore && (start % 64 != 0 || semaphore_core<>::bytes(memory_.slots()) > d.size))
        return std::nullopt;
    if (o.kind == object_kind::shared_lock && (start % 64 != 0 || shared_lock_core<>::bytes(memory_.slots()) > d.size))
        return std::nullopt;
    if (o.kind == object_kind::condition && (start % 64 != 0 || slot_counts<>::bytes(memory_.slots()) > d.size))
        return std::nullopt;
    d.data = memory_.at<std::byte>(start);
    return d;
}

}  // namespace cadre::detail::shm
