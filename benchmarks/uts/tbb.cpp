#include "runtimes/tbb.hpp"
#include "uts/parameters.hpp"

#include <tbb/task_group.h>

#include <vector>

namespace {

std::uint64_t count(const uts::tree& tree, const uts::node& parent) {
    const int children = tree.children_of(parent);
    if (children == 0) return 1;
    std::vector<std::uint64_t> sizes(static_cast<std::size_t>(children));
    tbb::task_group group;
    for (int i = 0; i != children; ++i) {
        std::uint64_t& size = sizes[static_cast<std::size_t>(i)];
        group.run([&tree, &size, child = parent.child(i)] { size = count(tree, child); });
    }
    group.wait();
    std::uint64_t size = 1;
    for (const std::uint64_t each : sizes)
        size += each;
    return size;
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts) {
        bench::tbb_threads pool(threads);
        uts::measure(threads,
                     [&](const uts::tree& tree) { return pool.run([&] { return count(tree, tree.root()); }); });
    }
    return 0;
}
