#include <cadre/detail/coroutine/frame_pool.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/frame_allocator.hpp>

#include "coroutine/frame_slabs.hpp"

namespace cadre::detail {

constinit thread_local frame_cache this_thread_frames{};

namespace {

#ifdef CADRE_ASAN
constexpr bool recycle_frames = false;  // the sanitizer must see every allocation
#else
constexpr bool recycle_frames = true;
#endif

// Frames moved between a thread's list and the slabs at once.
constexpr std::uint32_t frame_batch = frame_slabs::batch_size;
constexpr std::align_val_t frame_alignment{frame_granularity};

std::size_t class_size(std::size_t size) noexcept {
    return (size + frame_granularity - 1) / frame_granularity * frame_granularity;
}

// The number of frames of a class that a thread keeps. Enough that most threads of a computation use their own frames
// again: one from another thread costs the transfer of all of its cache lines.
constexpr std::uint32_t class_limit(std::size_t c) noexcept {
    constexpr std::size_t kept_bytes = std::size_t{512} << 10;
    constexpr std::size_t least = 512;
    const std::size_t fitting = kept_bytes / ((c + 1) * frame_granularity);
    return static_cast<std::uint32_t>(std::clamp<std::size_t>(fitting, least, frame_class_limit));
}

// A program's own allocator, or null functions. Written before the first frame is allocated, then only read.
constinit frame_allocator custom{.allocate = nullptr, .deallocate = nullptr};
constinit std::atomic<bool> in_use{false};

// Memory of a custom allocator may be less aligned than a frame: the word before the frame is the address to free.
void* allocate_custom(std::size_t size) {
    auto* const memory = static_cast<std::byte*>(custom.allocate(size + frame_granularity));
    auto* const frame = memory + (frame_granularity - reinterpret_cast<std::uintptr_t>(memory) % frame_granularity);
    std::memcpy(frame - sizeof memory, &memory, sizeof memory);
    return frame;
}
void free_custom(void* frame, std::size_t size) noexcept {
    void* memory = nullptr;
    std::memcpy(&memory, static_cast<std::byte*>(frame) - sizeof memory, sizeof memory);
    custom.deallocate(memory, size + frame_granularity);
}

// A frame of a size that is not recycled.
void* allocate_single(std::size_t size) {
    return custom.allocate != nullptr ? allocate_custom(size) : ::operator new(size, frame_alignment);
}
void free_single(void* frame, std::size_t size) noexcept {
    if (custom.deallocate != nullptr)
        free_custom(frame, size);
    else
        ::operator delete(frame, size, frame_alignment);
}

bool from_slabs(std::size_t c) noexcept { return recycle_frames && c < frame_classes && custom.allocate == nullptr; }

// Removes up to `max_blocks` frames from this thread's list of a class and frees them.
void trim(std::size_t c, std::uint32_t max_blocks) noexcept {
    frame_cache& cache = this_thread_frames;
    frame_cache::free_frame* const first = cache.head[c];
    if (first == nullptr) return;
    if (from_slabs(c)) {
        frame_cache::free_frame* last = first;
        std::uint32_t count = 1;
        for (; count < max_blocks && last->next != nullptr; ++count)
            last = last->next;
        cache.head[c] = std::exchange(last->next, nullptr);
        frame_slabs::instance().give_back(c, first, count);
        return;
    }
    for (std::uint32_t n = 0; n < max_blocks && cache.head[c] != nullptr; ++n)
        free_single(std::exchange(cache.head[c], cache.head[c]->next), (c + 1) * frame_granularity);
}

struct cache_cleaner {
    ~cache_cleaner() {
        this_thread_frames.state = frame_cache::life::finished;
        for (std::size_t c = 0; c < frame_classes; ++c) {
            this_thread_frames.room[c] = 0;
            trim(c, frame_class_limit);
        }
    }
};

// Lets this thread keep frames, and empties its lists when it ends. @return whether it keeps frames
bool start_recycling() {
    if (!recycle_frames || this_thread_frames.state == frame_cache::life::finished) return false;
    if (this_thread_frames.state == frame_cache::life::used) return true;
    static thread_local cache_cleaner cleaner;
    (void)&cleaner;
    this_thread_frames.state = frame_cache::life::used;
    for (std::size_t c = 0; c < frame_classes; ++c)
        this_thread_frames.room[c] = class_limit(c);
    return true;
}

}  // namespace

// The list of the class is empty. Slabs give several frames at a time.
void* allocate_frame_slow(std::size_t size) noexcept {
    if (!in_use.load(std::memory_order_relaxed)) in_use.store(true, std::memory_order_relaxed);
    const std::size_t c = (size - 1) / frame_granularity;
    if (from_slabs(c)) {
        std::uint32_t taken = 0;
        frame_cache::free_frame* const frame =
            frame_slabs::instance().take(c, start_recycling() ? frame_batch : 1, taken);
        if (taken > 1) {
            this_thread_frames.head[c] = frame->next;
            this_thread_frames.room[c] -= taken - 1;
        }
        return frame;
    }
    try {
        return allocate_single(class_size(size));
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void throw_no_memory_for_frame() { throw std::bad_alloc(); }

void free_frame_slow(void* frame, std::size_t size) noexcept {
    const std::size_t c = (size - 1) / frame_granularity;
    if (c >= frame_classes) return free_single(frame, class_size(size));
    frame_cache& cache = this_thread_frames;
    ++cache.room[c];
    auto* const f = static_cast<frame_cache::free_frame*>(frame);
    if (start_recycling()) {
        if (cache.room[c] == 0) {
            trim(c, frame_batch);
            cache.room[c] = frame_batch;
        }
        return free_frame(frame, size);
    }
    if (!from_slabs(c)) return free_single(frame, class_size(size));
    f->next = nullptr;
    frame_slabs::instance().give_back(c, f, 1);
}

void* allocate_aligned_frame(std::size_t size, std::size_t alignment) {
    if (alignment <= frame_granularity) return allocate_frame(size);
    return ::operator new(size, std::align_val_t{alignment});
}

void free_aligned_frame(void* frame, std::size_t size, std::size_t alignment) noexcept {
    if (alignment <= frame_granularity) return free_frame(frame, size);
    ::operator delete(frame, size, std::align_val_t{alignment});
}

}  // namespace cadre::detail

namespace cadre {

void set_frame_allocator(const frame_allocator& allocator) {
    if (allocator.allocate == nullptr || allocator.deallocate == nullptr)
        throw std::invalid_argument("set_frame_allocator: both functions are needed");
    if (detail::in_use.load(std::memory_order_relaxed))
        throw std::logic_error("set_frame_allocator: tasks have been made already; call it first in main");
    detail::custom = allocator;
}

}  // namespace cadre
