#include "runtimes/openmp.hpp"
#include "spawn_many/parameters.hpp"

int main() {
    for (const unsigned threads : bench::thread_counts)
        spawn_many::measure(threads, [=](std::atomic<std::uint64_t>& sum) {
            bench::run_openmp(threads, [&] {
                for (std::uint64_t i = 0; i != spawn_many::tasks; ++i)
#pragma omp task shared(sum) firstprivate(i)
                    spawn_many::add(sum, i);
#pragma omp taskwait
                return true;
            });
        });
    return 0;
}
