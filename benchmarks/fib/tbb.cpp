// oneTBB: task_group, the spelling of its manual.

#include "fib/parameters.hpp"

#include <tbb/global_control.h>
#include <tbb/task_arena.h>
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
    for (const unsigned threads : {1u, 2u}) {
        tbb::global_control limit(tbb::global_control::max_allowed_parallelism, threads);
        tbb::task_arena arena(static_cast<int>(threads));
        (void)arena.execute([] { return compute(fib::n / 2); });
        fib::measure(threads, [&] { return arena.execute([] { return compute(fib::n); }); });
    }
    return 0;
}
