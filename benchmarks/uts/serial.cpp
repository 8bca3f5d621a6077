#include "uts/parameters.hpp"

namespace {

std::uint64_t count(const uts::tree& tree, const uts::node& parent) {
    std::uint64_t size = 1;
    const int children = tree.children_of(parent);
    for (int i = 0; i != children; ++i)
        size += count(tree, parent.child(i));
    return size;
}

}  // namespace

int main() {
    uts::measure(1, [](const uts::tree& tree) { return count(tree, tree.root()); });
    return 0;
}
