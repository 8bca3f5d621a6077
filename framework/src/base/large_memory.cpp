#include <cadre/detail/base/large_memory.hpp>

#include "base/kept_memory.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <new>
#include <utility>

#include <sys/mman.h>

#include <cadre/detail/base/spin_mutex.hpp>

namespace cadre::detail {

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t max_kept = std::size_t{128} << 20;  // bytes
constexpr std::size_t max_blocks = 64;  // a map of large items has tens of messages at a time
constexpr int release_attempts = 1000;

struct kept_block {
    std::byte* memory = nullptr;
    std::size_t size = 0;
};

struct cache {
    spin_mutex mutex;  // tried, never waited for: in a fork its owner may not exist any more
    std::array<kept_block, max_blocks> blocks{};
    std::size_t bytes = 0;
};
constinit cache kept;

// @return null if no kept block fits without wasting half of it
std::byte* take_kept(std::size_t& size) noexcept {
    const std::unique_lock hold(kept.mutex, std::try_to_lock);
    if (!hold) return nullptr;
    kept_block* best = nullptr;
    for (kept_block& b : kept.blocks)
        if (b.size >= size && b.size / 2 <= size && (best == nullptr || b.size < best->size)) best = &b;
    if (best == nullptr) return nullptr;
    size = best->size;
    kept.bytes -= best->size;
    return std::exchange(*best, {}).memory;
}

// @return the block to unmap: this one, or a smaller one that it replaces; or no block
kept_block keep(std::byte* memory, std::size_t size) noexcept {
    const kept_block given{memory, size};
    const std::unique_lock hold(kept.mutex, std::try_to_lock);
    if (!hold) return given;
    kept_block& smallest = *std::ranges::min_element(kept.blocks, {}, &kept_block::size);  // of size 0: not in use
    if (smallest.size >= size || kept.bytes - smallest.size + size > max_kept) return given;
    kept.bytes += size - smallest.size;
    return std::exchange(smallest, given);
}

}  // namespace

std::byte* allocate_large(std::size_t& size) {
    if (std::byte* const memory = take_kept(size); memory != nullptr) return memory;
    if (size > static_cast<std::size_t>(-1) / 2) throw std::bad_alloc();
    size = (size + page - 1) / page * page;
    for (;;) {
        void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory != MAP_FAILED) {
            populate_for_writing(memory, size);
            return static_cast<std::byte*>(memory);
        }
        if (release_kept_memory()) continue;
        const std::new_handler handler = std::get_new_handler();
        if (handler == nullptr) throw std::bad_alloc();
        handler();
    }
}

void free_large(std::byte* memory, std::size_t size) noexcept {
    if (const kept_block excess = keep(memory, size); excess.memory != nullptr) ::munmap(excess.memory, excess.size);
}

bool release_kept_memory() noexcept {
    std::array<kept_block, max_blocks> released{};
    // Its owner holds the mutex for a microsecond at most.
    std::unique_lock hold(kept.mutex, std::defer_lock);
    for (int i = 0; i != release_attempts && !hold.owns_lock(); ++i)
        static_cast<void>(hold.try_lock());
    if (!hold) return false;
    kept.blocks.swap(released);
    const bool any = std::exchange(kept.bytes, 0) != 0;
    hold.unlock();
    for (const kept_block& b : released)
        if (b.memory != nullptr) ::munmap(b.memory, b.size);
    return any;
}

}  // namespace cadre::detail
