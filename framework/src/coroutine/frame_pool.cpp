#include <cadre/detail/frame_pool.hpp>
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
        cache.finished = true;
        cache.registered = false;
        for (std::size_t c = 0; c < frame_classes; ++c) {
            while (frame_cache::free_frame* f = cache.head[c]) {
                cache.head[c] = f->next;
                ::operator delete(f, (c + 1) * frame_granularity);
            }
            cache.count[c] = 0;
        }
    }
};

void register_cleaner() {
    static thread_local cache_cleaner cleaner;
    (void)&cleaner;
    this_thread_frames.registered = true;
}

}  // namespace

void* allocate_frame_slow(std::size_t size) { return ::operator new(class_size(size)); }

void free_frame_slow(void* frame, std::size_t size) noexcept {
    frame_cache& cache = this_thread_frames;
    if (recycle_frames && !cache.registered && !cache.finished) {
        register_cleaner();
        free_frame(frame, size);
        return;
    }
    ::operator delete(frame, class_size(size));
}

}  // namespace cadre::detail
