#include <cadre/detail/frame_pool.hpp>

#include <algorithm>

#include <cadre/detail/sanitizers.hpp>

namespace cadre::detail {

constinit thread_local frame_cache this_thread_frames{};

namespace {

#ifdef CADRE_ASAN
constexpr bool recycle_frames = false;  // the sanitizer must see every frame come and go
#else
constexpr bool recycle_frames = true;
#endif

std::size_t class_size(std::size_t size) {
    return (size + frame_granularity - 1) / frame_granularity * frame_granularity;
}

struct cache_cleaner {
    ~cache_cleaner() {
        frame_cache& cache = this_thread_frames;
        cache.state = frame_cache::life::finished;
        for (std::size_t c = 0; c < frame_classes; ++c) {
            cache.room[c] = 0;
            while (frame_cache::free_frame* f = cache.head[c]) {
                cache.head[c] = f->next;
                ::operator delete(f, (c + 1) * frame_granularity);
            }
        }
    }
};

// Gives this thread's lists their room, and sees to it that they are emptied when the thread ends.
void start_keeping() {
    static thread_local cache_cleaner cleaner;
    (void)&cleaner;
    this_thread_frames.state = frame_cache::life::used;
    std::ranges::fill(this_thread_frames.room, frame_class_limit);
}

}  // namespace

void* allocate_frame_slowly(std::size_t size) { return ::operator new(class_size(size)); }

void free_frame_slowly(void* frame, std::size_t size) noexcept {
    if (recycle_frames && this_thread_frames.state == frame_cache::life::unused) {
        start_keeping();
        free_frame(frame, size);
        return;
    }
    ::operator delete(frame, class_size(size));
}

}  // namespace cadre::detail
