#include "process/plane/block_allocator.hpp"

#include <algorithm>
#include <bit>
#include <new>

#include <fcntl.h>
#include <sys/mman.h>

#include "base/available_memory.hpp"
#include "base/mapped_memory.hpp"

namespace cadre::detail::process_plane {

namespace {

constexpr std::uint64_t slab_size = std::uint64_t{1} << 20;

constexpr std::uint64_t round_up(std::uint64_t size, std::uint64_t to) noexcept { return (size + to - 1) / to * to; }

}  // namespace

block_allocator::block_allocator(int memfd, std::byte* base, std::uint64_t begin, std::uint64_t size)
    : memfd_(memfd), base_(base) {
    cold_.add(begin, size);
}

bool block_allocator::populate(std::uint64_t offset, std::uint64_t size) noexcept {
    if (!memory_left_for(size)) return false;
    if (reserve_memory(memfd_, offset, size) != 0) return false;
#ifdef MADV_POPULATE_WRITE
    // One system call instead of a fault for every page; a kernel without it faults them in as they are touched.
    ::madvise(base_ + offset, size, MADV_POPULATE_WRITE);
#endif
    return true;
}

block block_allocator::allocate(std::uint64_t size) noexcept {
    try {
        if (size > largest_class) return allocate_large(round_up(size, page));
        return allocate_small(
            static_cast<std::size_t>(std::bit_width((std::max(size, min_block_size) - 1) / min_block_size)));
    } catch (const std::bad_alloc&) {
        return {};
    }
}

block block_allocator::allocate_pages(std::uint64_t size) noexcept {
    try {
        return allocate_large(round_up(size, page));
    } catch (const std::bad_alloc&) {
        return {};
    }
}

block block_allocator::allocate_small(std::size_t size_class) {
    const std::uint64_t size = min_block_size << size_class;
    auto& list = free_[size_class];
    if (!list.empty()) {
        const block b{list.back(), size};
        list.pop_back();
        return b;
    }
    if (slab_end_ - slab_ < size) {
        for (std::uint64_t rest = slab_end_ - slab_; rest >= min_block_size; rest = slab_end_ - slab_) {
            const auto c = static_cast<std::size_t>(std::bit_width(rest / min_block_size)) - 1;
            free_[c].push_back(slab_);
            slab_ += min_block_size << c;
        }
        const block fresh = allocate_large(slab_size);
        if (fresh.size == 0) return {};
        slab_ = fresh.offset;
        slab_end_ = fresh.offset + fresh.size;
    }
    const block b{slab_, size};
    slab_ += size;
    return b;
}

block block_allocator::allocate_large(std::uint64_t size) {
    if (const auto warm = warm_.best_fit(size)) {
        warm_.take(*warm, size);
        warm_bytes_ -= size;
        return {*warm, size};
    }
    auto found = cold_.first_fit(size);
    if (!found) {
        cool(warm_bytes_);
        found = cold_.first_fit(size);
        if (!found) return {};
    }
    const block b{*found, size};
    if (!populate(b.offset, b.size)) {
        punch(b);
        return {};
    }
    cold_.take(b.offset, size);
    return b;
}

void block_allocator::punch(block b) noexcept {
    ::fallocate(memfd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(b.offset),
                static_cast<off_t>(b.size));
}

// Gives back the pages of free runs, of at least so many bytes in all.
void block_allocator::cool(std::uint64_t bytes) {
    while (bytes != 0 && warm_bytes_ != 0) {
        const auto [start, length] = warm_.lowest();
        punch({start, length});
        cold_.add(start, length);
        warm_.take(start, length);
        warm_bytes_ -= length;
        bytes -= std::min(bytes, length);
    }
}

void block_allocator::release(block b) noexcept {
    if (b.size == 0) return;
    try {
        if (b.size > largest_class)
            release_large(b);
        else
            free_[static_cast<std::size_t>(std::bit_width((b.size - 1) / min_block_size))].push_back(b.offset);
    } catch (const std::bad_alloc&) {
        // The block is lost to this area; its pages return to the system with the call memory.
    }
}

void block_allocator::release_large(block b) {
    if (b.size > keep_warm) {
        punch(b);
        cold_.add(b.offset, b.size);
        return;
    }
    if (warm_bytes_ + b.size > keep_warm) cool(warm_bytes_ + b.size - keep_warm);
    warm_.add(b.offset, b.size);
    warm_bytes_ += b.size;
}

}  // namespace cadre::detail::process_plane
