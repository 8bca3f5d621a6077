#include "shm/arena.hpp"

#include <algorithm>

namespace cadre::detail::shm {

namespace {

// Freed runs from this size are returned to the system: that is cheap compared to filling them again.
constexpr std::uint64_t discard_from = 512;
constexpr std::uint64_t table_step = page_size / sizeof(half_word);

}  // namespace

arena::arena(const region& memory, process_id self) : memory_(memory), self_(self) {
    arena_header& header = memory_.arena(self_.slot);
    const std::uint64_t units = memory_.layout(self_.slot).units;
    const std::uint64_t used = std::min(header.units_used.load(std::memory_order_acquire), units);
    table_committed_ = (used + table_step - 1) / table_step * table_step;
    populated_.assign(used, false);
    table_.assign(used, 0);
    std::uint64_t free_from = 0;
    const auto in_use = [&](std::uint64_t first, std::uint64_t count) {
        if (first > free_from) free_units_.add(free_from, first - free_from);
        free_from = first + count;
        std::fill_n(populated_.begin() + static_cast<std::ptrdiff_t>(first), std::min(count, used - first), true);
    };
    // Unlike `for_each_block` and `shrink_arena`, it reads entries that were never written: they are the owner's own.
    // An invalid one costs its unit only.
    for (std::uint64_t u = 0; u < used;) {
        half_word& entry = memory_.unit(self_.slot, u);
        const std::uint32_t what = entry.load(std::memory_order_acquire);
        table_[u] = what;
        const std::uint64_t start = memory_.unit_offset(self_.slot, u);
        if (what == 0) {
            ++u;
        } else if ((what & small_unit) != 0) {
            const std::uint32_t c = what & ~small_unit;
            in_use(u, 1);
            ++u;
            if (c >= block_classes.size()) continue;  // an invalid entry: the unit is never used again
            for (std::uint64_t at = 0; at + block_classes[c] <= unit_size; at += block_classes[c])
                if (is_free(start + at))
                    small_[c].add_free(start + at);
                else
                    small_[c].add_pending(start + at);
        } else {
            const std::uint64_t count = what <= used - u ? what : 1;
            in_use(u, count);
            if (count == what) large_.add_pending({u, count});
            u += count;
        }
    }
    if (free_from < units) free_units_.add(free_from, units - free_from);
}

arena::allocation arena::allocate(std::uint64_t size) noexcept {
    if (size > memory_.arena_size(self_.slot)) return {};
    const std::uint64_t whole = size + sizeof(block_header);
    const std::lock_guard hold(mutex_);
    try {
        const auto fit = std::lower_bound(block_classes.begin(), block_classes.end(), whole);
        return fit != block_classes.end() ? allocate_small(static_cast<unsigned>(fit - block_classes.begin()))
                                          : allocate_large((whole + unit_size - 1) / unit_size);
    } catch (...) {
        return {};  // no private memory to record the block
    }
}

arena::allocation arena::allocate_small(unsigned size_class) {
    const auto free = [this](std::uint64_t offset) { return is_free(offset); };
    std::uint64_t offset = 0;
    if (!small_[size_class].take(offset, free)) {
        if (!cut_unit(size_class) || !small_[size_class].take(offset, free)) return {};
    }
    holder_of(memory_, offset).store(held_by(self_), std::memory_order_release);
    heal((offset - memory_.unit_offset(self_.slot, 0)) / unit_size);
    return {{offset, block_classes[size_class] - sizeof(block_header)}, false};
}

arena::allocation arena::allocate_large(std::uint64_t units) {
    reclaim_large();
    std::uint64_t first = 0;
    bool zeroed = false;
    if (units >= small_unit || !take_units(units, first, zeroed)) return {};
    const std::uint64_t offset = memory_.unit_offset(self_.slot, first);
    holder_of(memory_, offset).store(held_by(self_), std::memory_order_release);
    set_unit(first, static_cast<std::uint32_t>(units));
    large_.add_pending({first, units});
    return {{offset, units * unit_size - sizeof(block_header)}, zeroed};
}

void arena::set_unit(std::uint64_t unit, std::uint32_t what) noexcept {
    table_[unit] = what;
    memory_.unit(self_.slot, unit).store(what, std::memory_order_release);
}

void arena::heal(std::uint64_t unit) noexcept {
    half_word& shared = memory_.unit(self_.slot, unit);
    if (shared.load(std::memory_order_relaxed) != table_[unit]) shared.store(table_[unit], std::memory_order_release);
}

bool arena::cut_unit(unsigned size_class) {
    std::uint64_t first = 0;
    bool zeroed = false;
    if (!take_units(1, first, zeroed)) return false;
    const std::uint64_t start = memory_.unit_offset(self_.slot, first);
    const std::uint32_t size = block_classes[size_class];
    const std::uint64_t count = unit_size / size;
    // The unit table is written last: before that, no process reads holder words in this unit.
    for (std::uint64_t i = 0; i != count; ++i)
        holder_of(memory_, start + i * size).store(nobody, std::memory_order_relaxed);
    set_unit(first, small_unit | size_class);
    for (std::uint64_t i = count; i != 0; --i)
        small_[size_class].add_free(start + (i - 1) * size);
    return true;
}

void arena::reclaim_large() {
    large_.reclaim([this](const run& r) { return is_free(memory_.unit_offset(self_.slot, r.first)); },
                   [this](const run& r) {
                       set_unit(r.first, 0);
                       return_units(r.first, r.count);
                   });
}

bool arena::take_units(std::uint64_t count, std::uint64_t& first, bool& zeroed) {
    const auto found = free_units_.best_fit(count);
    if (!found) return false;
    first = *found;

    arena_header& header = memory_.arena(self_.slot);
    const std::uint64_t arena_start = memory_.arena_offset(self_.slot);
    const std::uint64_t end = first + count;
    if (table_committed_ == 0 && !memory_.commit(arena_start, page_size)) return false;
    if (end > table_committed_) {
        const std::uint64_t upto = (end + table_step - 1) / table_step * table_step;
        if (!memory_.commit(arena_start + memory_.layout(self_.slot).unit_table + table_committed_ * sizeof(half_word),
                            (upto - table_committed_) * sizeof(half_word)))
            return false;
        table_committed_ = upto;
    }
    if (end > populated_.size()) populated_.resize(end, false);
    if (end > table_.size()) table_.resize(end, 0);
    const auto from = populated_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto to = from + static_cast<std::ptrdiff_t>(count);
    zeroed = std::find(from, to, true) == to;
    if (std::find(from, to, false) != to && !memory_.commit(memory_.unit_offset(self_.slot, first), count * unit_size))
        return false;
    free_units_.take(first, count);
    std::fill(from, to, true);
    if (header.units_used.load(std::memory_order_relaxed) != table_.size())
        header.units_used.store(table_.size(), std::memory_order_release);
    return true;
}

void arena::return_units(std::uint64_t first, std::uint64_t count) {
    if (count >= discard_from) {
        memory_.discard(memory_.unit_offset(self_.slot, first), count * unit_size);
        std::fill_n(populated_.begin() + static_cast<std::ptrdiff_t>(first), count, false);
    }
    free_units_.add(first, count);
}

}  // namespace cadre::detail::shm
