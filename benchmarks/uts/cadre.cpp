#include "uts/parameters.hpp"

#include <cadre/cadre.hpp>

#include <ranges>

namespace {

cadre::task<std::uint64_t> count(const uts::tree* tree, uts::node parent) {
    const int children = tree->children_of(parent);
    if (children == 0) co_return 1;
    const auto subtree = [&](int i) { return count(tree, parent.child(i)); };
    const auto sizes = co_await cadre::when_all(std::views::iota(0, children) | std::views::transform(subtree));
    std::uint64_t size = 1;
    for (const std::uint64_t each : sizes)
        size += each;
    co_return size;
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts) {
        cadre::thread_executor ex{{.workers = static_cast<int>(threads)}};
        uts::measure(threads,
                     [&](const uts::tree& tree) { return cadre::sync_wait(cadre::on(ex, count, &tree, tree.root())); });
    }
    return 0;
}
