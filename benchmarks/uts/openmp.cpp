#include "runtimes/openmp.hpp"
#include "uts/parameters.hpp"

#include <vector>

namespace {

std::uint64_t count(const uts::tree& tree, const uts::node& parent) {
    const int children = tree.children_of(parent);
    if (children == 0) return 1;
    std::vector<std::uint64_t> sizes(static_cast<std::size_t>(children));
    for (int i = 0; i != children; ++i) {
        const uts::node child = parent.child(i);
#pragma omp task shared(sizes, tree) firstprivate(child, i)
        sizes[static_cast<std::size_t>(i)] = count(tree, child);
    }
#pragma omp taskwait
    std::uint64_t size = 1;
    for (const std::uint64_t each : sizes)
        size += each;
    return size;
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts)
        uts::measure(threads, [=](const uts::tree& tree) {
            return bench::run_openmp(threads, [&] { return count(tree, tree.root()); });
        });
    return 0;
}
