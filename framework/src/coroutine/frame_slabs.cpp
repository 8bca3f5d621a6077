#include "coroutine/frame_slabs.hpp"

#include <algorithm>
#include <functional>
#include <mutex>
#include <new>
#include <utility>

#include <pthread.h>
#include <sys/mman.h>

#include <cadre/detail/base/populate.hpp>

namespace cadre::detail {

namespace {

constinit frame_slabs all_slabs;

[[nodiscard]] std::size_t block_size(std::size_t c) noexcept { return (c + 1) * frame_granularity; }

[[nodiscard]] void* map_pages(std::size_t size) noexcept {
    void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

frame_slabs& frame_slabs::instance() noexcept {
    // The mutex is held around a fork, so that the child finds it unlocked and the lists complete.
    [[maybe_unused]] static const int registered = ::pthread_atfork(
        [] { all_slabs.mutex_.lock(); }, [] { all_slabs.mutex_.unlock(); }, [] { all_slabs.mutex_.unlock(); });
    return all_slabs;
}

std::uint32_t frame_slabs::capacity(std::size_t c) noexcept {
    return static_cast<std::uint32_t>((slab_size - frame_granularity) / block_size(c));
}

std::uint32_t frame_slabs::batch_limit(std::size_t c) noexcept {
    return static_cast<std::uint32_t>(kept_in_batches / (batch_size * block_size(c)));
}

frame_slabs::slab& frame_slabs::slab_of(block* b) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(b);
    return *reinterpret_cast<slab*>(address & ~(slab_size - 1));  // NOLINT(performance-no-int-to-ptr)
}

frame_slabs::block* frame_slabs::take_one(slab& from, std::size_t c) noexcept {
    ++from.in_use;
    if (from.free != nullptr) return std::exchange(from.free, from.free->next);
    const std::uint32_t index = capacity(c) - from.untouched--;
    auto* const first = reinterpret_cast<std::byte*>(&from) + frame_granularity;
    return ::new (first + index * block_size(c)) block;
}

frame_slabs::block* frame_slabs::take(std::size_t c, std::uint32_t max_blocks, std::uint32_t& taken) noexcept {
    const std::lock_guard hold(mutex_);
    if (batch_stack& kept = batches_[c]; max_blocks == batch_size && kept.count != 0) {
        --kept.count;
        taken = batch_size;
        return std::exchange(kept.newest, kept.newest->next_batch);
    }
    block* list = nullptr;
    for (taken = 0; taken < max_blocks; ++taken) {
        slab* from = with_room_[c].front();
        if (from == nullptr) {
            if (taken != 0 || (from = make_slab(c)) == nullptr) break;
            with_room_[c].push_front(*from);
        }
        block* const b = take_one(*from, c);
        b->next = list;
        list = b;
        if (from->in_use == capacity(c)) with_room_[c].remove(*from);
    }
    return list;
}

void frame_slabs::give_back(std::size_t c, block* blocks, std::uint32_t count) noexcept {
    const std::lock_guard hold(mutex_);
    if (batch_stack& kept = batches_[c]; count == batch_size && kept.count != batch_limit(c)) {
        block* const second = blocks->next;
        kept.newest = ::new (blocks) batch{{second}, kept.newest};
        ++kept.count;
        return;
    }
    while (blocks != nullptr) {
        block* const b = std::exchange(blocks, blocks->next);
        slab& to = slab_of(b);
        b->next = to.free;
        to.free = b;
        if (to.in_use-- == capacity(c)) with_room_[c].push_front(to);
        // One free slab stays: its class is likely to need it again.
        if (to.in_use == 0 && with_room_[c].front() != with_room_[c].back()) {
            with_room_[c].remove(to);
            release_slab(to);
        }
    }
}

frame_slabs::slab* frame_slabs::make_slab(std::size_t c) noexcept {
    if (spare_ == nullptr && !map_slabs()) return nullptr;
    block* const memory = std::exchange(spare_, spare_->next);
    --spares_;
    return ::new (memory) slab{.links = {}, .free = nullptr, .in_use = 0, .untouched = capacity(c)};
}

void frame_slabs::release_slab(slab& s) noexcept {
    spare_ = ::new (&s) block{spare_};
    if (++spares_ >= spare_limit_ + unmapped_at_once) unmap_spares();
}

// The neighbours among them with one system call.
void frame_slabs::unmap_spares() noexcept {
    std::array<std::byte*, unmapped_at_once> unused{};
    for (std::byte*& at : unused)
        at = reinterpret_cast<std::byte*>(std::exchange(spare_, spare_->next));
    spares_ -= unmapped_at_once;
    unmapped_ = true;
    std::ranges::sort(unused, std::less<>());
    for (std::size_t i = 0, n = 1; i != unused.size(); i += n, n = 1) {
        while (i + n != unused.size() && unused[i + n] == unused[i] + n * slab_size)
            ++n;
        if (::munmap(unused[i], n * slab_size) == 0) {
            mapped_ -= n;
            continue;
        }
        for (std::size_t k = 0; k != n; ++k)  // the system has no memory for the split of a mapping
            spare_ = ::new (unused[i] + k * slab_size) block{spare_};
        spares_ += static_cast<std::uint32_t>(n);
    }
}

// One slab at a time while there are few: a worker process may have a tight limit of memory.
bool frame_slabs::map_slabs() noexcept {
    if (std::exchange(unmapped_, false)) spare_limit_ = std::min(4 * spare_limit_, max_spare_limit);
    const std::size_t count = mapped_ < mapped_at_once ? 1 : mapped_at_once;
    const std::size_t size = count * slab_size;
    const auto misfit = [](void* p) { return reinterpret_cast<std::uintptr_t>(p) % slab_size; };
    auto* memory = static_cast<std::byte*>(map_pages(size));
    if (memory != nullptr && misfit(memory) != 0) {
        ::munmap(memory, size);
        memory = static_cast<std::byte*>(map_pages(size + slab_size));
        if (memory != nullptr) {
            const std::size_t before = (slab_size - misfit(memory)) % slab_size;
            if (before != 0) ::munmap(memory, before);
            if (before != slab_size) ::munmap(memory + before + size, slab_size - before);
            memory += before;
        }
    }
    if (memory == nullptr) return false;
    if (count > 1) populate_for_writing(memory, size);
    for (std::size_t i = count; i-- > 0;)
        spare_ = ::new (memory + i * slab_size) block{spare_};
    spares_ += static_cast<std::uint32_t>(count);
    mapped_ += count;
    return true;
}

}  // namespace cadre::detail
