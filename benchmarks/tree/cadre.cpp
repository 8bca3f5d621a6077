#include "tree/parameters.hpp"

#include <cadre/cadre.hpp>

#include <vector>

namespace {

cadre::task<std::uint64_t> count(tree::node parent) {
    const std::uint64_t children = parent.children();
    if (children == 0) co_return 1;
    std::vector<cadre::task<std::uint64_t>> subtrees;
    subtrees.reserve(children);
    for (std::uint64_t i = 0; i != children; ++i)
        subtrees.push_back(count(parent.child(i)));
    const auto sizes = co_await cadre::when_all(std::move(subtrees));
    std::uint64_t size = 1;
    for (const std::uint64_t each : sizes)
        size += each;
    co_return size;
}

}  // namespace

int main() {
    for (const unsigned threads : bench::thread_counts) {
        cadre::thread_executor ex{{.workers = static_cast<int>(threads)}};
        tree::measure(threads, [&](tree::node root) { return cadre::sync_wait(cadre::on(ex, count, root)); });
    }
    return 0;
}
