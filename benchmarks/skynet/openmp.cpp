#include "runtimes/openmp.hpp"
#include "skynet/parameters.hpp"

#include <array>

namespace {

std::uint64_t visit(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) return first;
    const std::uint64_t share = leaves / skynet::children;
    std::array<std::uint64_t, skynet::children> sums{};
    for (unsigned i = 0; i != skynet::children; ++i) {
#pragma omp task shared(sums)
        sums[i] = visit(first + i * share, share);
    }
#pragma omp taskwait
    std::uint64_t sum = 0;
    for (const std::uint64_t each : sums)
        sum += each;
    return sum;
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts) {
        (void)bench::run_openmp(threads, [] { return visit(0, skynet::warm_up); });
        bench::measure(bench::threads_name(threads), skynet::answer,
                       [=] { return bench::run_openmp(threads, [] { return visit(0, skynet::leaves); }); });
    }
    return 0;
}
