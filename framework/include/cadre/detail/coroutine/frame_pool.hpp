/// @file
/// The allocator of coroutine frames: per-thread free lists by size class, in front of slabs that all threads share.
///
/// Every frame is aligned to 64 bytes, because compilers do not pass the alignment of a frame to `operator new`, and
/// vector types need up to 64.
///
/// A frame may be freed on another thread than it was made on: it joins the freeing thread's list. Every list is
/// bounded, so a producer/consumer pair cannot accumulate memory; frames beyond the bound go back to the slabs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <type_traits>

#include <cadre/detail/base/compiler.hpp>

namespace cadre::detail {

inline constexpr std::size_t frame_granularity = 64;  // also the alignment of every frame
inline constexpr std::size_t frame_classes = 24;  // frames up to 1536 bytes are recycled
inline constexpr std::uint32_t frame_class_limit = 2048;  // frames kept per class and thread; fewer of large ones

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

/// A frame that may be aligned to more than 64.
[[nodiscard]] void* allocate_aligned_frame(std::size_t size, std::size_t alignment);
void free_aligned_frame(void* frame, std::size_t size, std::size_t alignment) noexcept;

/// Base of the promises of coroutines whose frames are recycled.
struct pooled_frame {
    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }
};

/// The same for promises that are not over-aligned themselves. With `-fcoro-aligned-allocation` clang passes the
/// alignment of a frame, so that locals may be aligned to more than 64; it miscompiles this overload in a promise that
/// is over-aligned.
struct aligned_pooled_frame {
    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }
    static void* operator new(std::size_t size, std::align_val_t alignment) {
        return allocate_aligned_frame(size, static_cast<std::size_t>(alignment));
    }
    static void operator delete(void* frame, std::size_t size, std::align_val_t alignment) noexcept {
        free_aligned_frame(frame, size, static_cast<std::size_t>(alignment));
    }
};

/// The promise `P` of a coroutine whose parameters are aligned to more than the frames of the pool.
template <class P, std::size_t Alignment>
class over_aligned_promise : public P {
public:
    static void* operator new(std::size_t size) { return allocate_aligned_frame(size, Alignment); }
    static void operator delete(void* frame, std::size_t size) noexcept { free_aligned_frame(frame, size, Alignment); }
};

/// The alignment of the objects that a coroutine keeps for a parameter or result `T`.
template <class T>
[[nodiscard]] consteval std::size_t frame_alignment_of() {
    if constexpr (std::is_object_v<T>)
        return alignof(T);
    else
        return 1;
}

/// The alignment of the results of `P`, temporaries of which are in the frame, whereas the promise may allocate them.
template <class P>
inline constexpr std::size_t result_alignment = 1;
template <class P>
    requires requires { typename P::result_type; }
inline constexpr std::size_t result_alignment<P> = frame_alignment_of<typename P::result_type>();

/// The promise of a coroutine with these parameters: its frame is aligned for the promise, its result and for them.
template <class P, class... Parameters>
class promise_for {
    static constexpr std::size_t alignment =
        std::max({alignof(P), result_alignment<P>, frame_alignment_of<Parameters>()...});

public:
    using type = std::conditional_t<(alignment > frame_granularity), over_aligned_promise<P, alignment>, P>;
};

template <std::size_t Alignment>
struct alignas(Alignment) over_aligned_parameter {};
struct plain_parameter {};

/// The last, unused parameter of a coroutine with local objects of the types `Ts`, which none of its other parameters
/// and not its result have: its frame is aligned for them.
template <class... Ts>
using frame_for = std::conditional_t<(std::max({frame_alignment_of<Ts>()...}) > frame_granularity),
                                     over_aligned_parameter<std::max({frame_alignment_of<Ts>()...})>, plain_parameter>;

/// An allocator for small containers that live no longer than an await: their memory is recycled like that of frames.
template <class T>
struct frame_pool_allocator {
    static_assert(alignof(T) <= frame_granularity);
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
