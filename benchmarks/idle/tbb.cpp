// oneTBB: an arena without the calling thread, which enqueues.

#include "idle/parameters.hpp"

#include <tbb/global_control.h>
#include <tbb/task_arena.h>

#include <future>

int main() {
    for (const unsigned threads : bench::thread_counts) {
        tbb::global_control limit(tbb::global_control::max_allowed_parallelism, threads + 1);
        tbb::task_arena arena(static_cast<int>(threads), 0);
        idle::measure(threads, [&](auto f) {
            std::promise<void> done;
            arena.enqueue([&] {
                f();
                done.set_value();
            });
            done.get_future().get();
        });
    }
    return 0;
}
