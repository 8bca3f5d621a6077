#include "runtimes/tbb.hpp"
#include "tree/parameters.hpp"

#include <tbb/task_group.h>

#include <vector>

namespace {

std::uint64_t count(tree::node parent) {
    const std::uint64_t children = parent.children();
    if (children == 0) return 1;
    std::vector<std::uint64_t> sizes(children);
    tbb::task_group group;
    for (std::uint64_t i = 0; i != children; ++i)
        group.run([&size = sizes[i], child = parent.child(i)] { size = count(child); });
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
        tree::measure(threads, [&](tree::node root) { return pool.run([&] { return count(root); }); });
    }
    return 0;
}
