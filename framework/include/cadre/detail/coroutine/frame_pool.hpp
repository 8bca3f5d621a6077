/// @file
/// The allocator of coroutine frames: per-thread free lists by size class, in front of the global allocator.
///
/// A frame may be freed on another thread than it was made on: it joins the freeing thread's list. Every list is
/// bounded, so a producer/consumer pair cannot accumulate memory; frames beyond the bound go back to the allocator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>

#include <cadre/detail/base/compiler.hpp>

namespace cadre::detail {

inline constexpr std::size_t frame_granularity = 64;
inline constexpr std::size_t frame_classes = 24;          // frames up to 1536 bytes are recycled
inline constexpr std::uint32_t frame_class_limit = 512;  // frames kept per class and thread

/// The recycled frames of one thread. Trivial, so that access needs no guard; the slow path registers the clean-up.
struct frame_cache {
    struct free_frame {
        free_frame* next;
    };
    free_frame* head[frame_classes];
    std::uint32_t room[frame_classes];  // how many more frames may be kept; zero before the first and after the end
    enum class life : std::uint8_t { unused, used, finished } state;
};

CADRE_THREAD_LOCAL extern frame_cache this_thread_frames;

// Neither may throw: an exception does not give back the registers that the caller of a rare call relies on.
[[nodiscard]] CADRE_RARE_CALL void* allocate_frame_slow(std::size_t size) noexcept;
/// For a frame that does not fit its list. The caller has decremented `room` of a recycled size already.
CADRE_RARE_CALL void free_frame_slow(void* frame, std::size_t size) noexcept;
[[noreturn]] void throw_no_memory_for_frame();

[[nodiscard]] inline void* allocate_frame(std::size_t size) {
    const std::size_t c = (size - 1) / frame_granularity;
    if (c < frame_classes) [[likely]] {
        frame_cache& cache = this_thread_frames;
        if (frame_cache::free_frame* f = cache.head[c]; f != nullptr) [[likely]] {
            cache.head[c] = f->next;
            ++cache.room[c];
            return f;
        }
    }
    void* const fresh = allocate_frame_slow(size);
    if (fresh == nullptr) [[unlikely]]
        throw_no_memory_for_frame();
    return fresh;
}

inline void free_frame(void* frame, std::size_t size) noexcept {
    const std::size_t c = (size - 1) / frame_granularity;
    if (c < frame_classes) [[likely]] {
        frame_cache& cache = this_thread_frames;
        if (cache.room[c]-- != 0) [[likely]] {
            auto* f = static_cast<frame_cache::free_frame*>(frame);
            f->next = cache.head[c];
            cache.head[c] = f;
            return;
        }
    }
    free_frame_slow(frame, size);
}

/// An allocator for small containers that live no longer than an await: their memory is recycled like that of frames.
template <class T>
struct frame_pool_allocator {
    static_assert(alignof(T) <= alignof(std::max_align_t));
    using value_type = T;

    frame_pool_allocator() noexcept = default;
    template <class U>
    explicit(false) frame_pool_allocator(const frame_pool_allocator<U>&) noexcept {}

    [[nodiscard]] T* allocate(std::size_t n) {
        if (n > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw_no_memory_for_frame();
        return static_cast<T*>(allocate_frame(n * sizeof(T)));
    }
    void deallocate(T* memory, std::size_t n) noexcept { free_frame(memory, n * sizeof(T)); }

    friend bool operator==(const frame_pool_allocator&, const frame_pool_allocator&) noexcept { return true; }
};

}  // namespace cadre::detail
