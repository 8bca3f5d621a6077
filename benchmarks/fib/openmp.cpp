#include "runtimes/openmp.hpp"
#include "fib/parameters.hpp"

namespace {

std::uint64_t compute(unsigned n) {
    if (n < 2) return n;
    std::uint64_t a = 0;
#pragma omp task shared(a)
    a = compute(n - 1);
    const std::uint64_t b = compute(n - 2);
#pragma omp taskwait
    return a + b;
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts) {
        (void)bench::run_openmp(threads, [] { return compute(fib::warm_up); });
        bench::measure(bench::threads_name(threads), fib::answer,
                       [=] { return bench::run_openmp(threads, [] { return compute(fib::n); }); });
    }
    return 0;
}
