#include "runtimes/tbb.hpp"
#include "spawn_many/parameters.hpp"

#include <tbb/task_group.h>

int main() {
    for (const unsigned threads : bench::thread_counts) {
        bench::tbb_threads pool(threads);
        spawn_many::measure(threads, [&](std::atomic<std::uint64_t>& sum) {
            pool.run([&] {
                tbb::task_group tasks;
                for (std::uint64_t i = 0; i != spawn_many::tasks; ++i)
                    tasks.run([&sum, i] { spawn_many::add(sum, i); });
                tasks.wait();
            });
        });
    }
    return 0;
}
