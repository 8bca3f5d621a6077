/// @file
/// An unbalanced tree of cheap nodes: the root has 2,000 children, and every other node eight with a probability just
/// below an eighth, else none. A node costs one hash, so the time is that of starting, stealing and joining tasks.
/// Every node is a task.
#pragma once

#include "measure.hpp"

#include <cstdint>
#include <limits>

namespace tree {

inline const std::uint64_t root_children = bench::scaled<std::uint64_t>(2'000, 20);
inline constexpr std::uint64_t inner_children = 8;
inline constexpr double inner_probability = 0.124875;
inline constexpr std::uint64_t seed = 40;  // 4.5 million nodes

/// The finalizer of splitmix64.
inline std::uint64_t hash(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

struct node {
    std::uint64_t id = hash(seed);
    bool root = true;

    [[nodiscard]] node child(std::uint64_t number) const { return {hash(id * 31 + number), false}; }
    [[nodiscard]] std::uint64_t children() const {
        if (root) return root_children;
        constexpr auto limit = static_cast<std::uint64_t>(
            inner_probability * static_cast<double>(std::numeric_limits<std::uint64_t>::max()));
        return id < limit ? inner_children : 0;
    }
};

inline std::uint64_t count_serially(node parent) {
    std::uint64_t size = 1;
    for (std::uint64_t i = 0; i != parent.children(); ++i)
        size += count_serially(parent.child(i));
    return size;
}

/// Times `count(root)`, which must return the number of nodes.
template <class F>
void measure(unsigned threads, F count) {
    static const std::uint64_t size = count_serially({});
    (void)count(node{});  // memory and threads are warm
    bench::measure(bench::threads_name(threads), size, [&] { return count(node{}); });
}

}  // namespace tree
