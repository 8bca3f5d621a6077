#include <cadre/detail/coroutine/frame_pool.hpp>

#include <algorithm>
#include <atomic>
#include <stdexcept>

#include <cadre/detail/base/sanitizers.hpp>
#include <cadre/frame_allocator.hpp>

namespace cadre::detail {

constinit thread_local frame_cache this_thread_frames{};

namespace {

#ifdef CADRE_ASAN
constexpr bool recycle_frames = false;  // the sanitizer must see every allocation
#else
constexpr bool recycle_frames = true;
#endif

std::size_t class_size(std::size_t size) {
    return (size + frame_granularity - 1) / frame_granularity * frame_granularity;
}

// The allocator behind the free lists. Written before the first frame is allocated, then only read.
constinit frame_allocator source{
    .allocate = [](std::size_t size) { return ::operator new(size); },
    .deallocate = [](void* memory, std::size_t size) noexcept { ::operator delete(memory, size); },
};
constinit std::atomic<bool> in_use{false};

struct cache_cleaner {
    ~cache_cleaner() {
        frame_cache& cache = this_thread_frames;
        cache.state = frame_cache::life::finished;
        for (std::size_t c = 0; c < frame_classes; ++c) {
            cache.room[c] = 0;
            while (frame_cache::free_frame* f = cache.head[c]) {
                cache.head[c] = f->next;
                source.deallocate(f, (c + 1) * frame_granularity);
            }
        }
    }
};

// Lets this thread keep frames, and empties its lists when it ends.
void start_recycling() {
    static thread_local cache_cleaner cleaner;
    (void)&cleaner;
    this_thread_frames.state = frame_cache::life::used;
    std::ranges::fill(this_thread_frames.room, frame_class_limit);
}

}  // namespace

void* allocate_frame_slow(std::size_t size) noexcept {
    if (!in_use.load(std::memory_order_relaxed)) in_use.store(true, std::memory_order_relaxed);
    try {
        return source.allocate(class_size(size));
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void throw_no_memory_for_frame() { throw std::bad_alloc(); }

void free_frame_slow(void* frame, std::size_t size) noexcept {
    if (const std::size_t c = (size - 1) / frame_granularity; c < frame_classes) ++this_thread_frames.room[c];
    if (recycle_frames && this_thread_frames.state == frame_cache::life::unused) {
        start_recycling();
        free_frame(frame, size);
        return;
    }
    source.deallocate(frame, class_size(size));
}

}  // namespace cadre::detail

namespace cadre {

void set_frame_allocator(const frame_allocator& allocator) {
    if (allocator.allocate == nullptr || allocator.deallocate == nullptr)
        throw std::invalid_argument("set_frame_allocator: both functions are needed");
    if (detail::in_use.load(std::memory_order_relaxed))
        throw std::logic_error("set_frame_allocator: tasks have been made already; call it first in main");
    detail::source = allocator;
}

}  // namespace cadre
