#include "runtimes/tbb.hpp"
#include "skynet/parameters.hpp"

#include <tbb/task_group.h>

#include <array>

namespace {

std::uint64_t visit(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) return first;
    const std::uint64_t share = leaves / skynet::children;
    std::array<std::uint64_t, skynet::children> sums{};
    tbb::task_group group;
    for (unsigned i = 0; i != skynet::children; ++i)
        group.run([&sums, first, share, i] { sums[i] = visit(first + i * share, share); });
    group.wait();
    std::uint64_t sum = 0;
    for (const std::uint64_t each : sums)
        sum += each;
    return sum;
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts) {
        bench::tbb_threads pool(threads);
        (void)pool.run([] { return visit(0, skynet::warm_up); });
        bench::measure(bench::threads_name(threads), skynet::answer,
                       [&] { return pool.run([] { return visit(0, skynet::leaves); }); });
    }
    return 0;
}
