// oneTBB: task_group, as in its manual.

#include "runtimes/tbb.hpp"
#include "fib/parameters.hpp"

#include <tbb/task_group.h>

namespace {

std::uint64_t compute(unsigned n) {
    if (n < 2) return n;
    std::uint64_t a = 0;
    tbb::task_group group;
    group.run([&a, n] { a = compute(n - 1); });
    const std::uint64_t b = compute(n - 2);
    group.wait();
    return a + b;
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts) {
        bench::tbb_threads pool(threads);
        (void)pool.run([] { return compute(fib::warm_up); });
        bench::measure(bench::threads_name(threads), fib::answer,
                       [&] { return pool.run([] { return compute(fib::n); }); });
    }
    return 0;
}
