/// @file
/// Unbalanced tree search: counts the nodes of an unpredictable tree. A node's id is the SHA-1 of its parent's id and
/// of its number among the children; the id is the random number that determines how many children it has. T1 and T3
/// are the trees of these names in the UTS benchmark of Olivier et al. (2006), so their sizes are known. Every node is
/// a task.
#pragma once

#include "measure.hpp"
#include "uts/sha1.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

namespace uts {

struct node {
    digest id;
    int depth;

    [[nodiscard]] node child(int number) const {
        return {sha1(std::array{id[0], id[1], id[2], id[3], id[4], static_cast<std::uint32_t>(number)}), depth + 1};
    }
    /// Its random number in [0, 1).
    [[nodiscard]] double drawn() const { return static_cast<double>(id[4] & 0x7fff'ffff) / 2147483648.0; }
};

enum class shape { geometric, binomial };

struct tree {
    std::string_view name;
    shape kind;
    std::uint32_t seed;
    /// Children of the root if binomial; of every node, on average, if geometric.
    int branching;
    /// Geometric: the depth of the leaves.
    int depth;
    /// Binomial: the probability that a node has children, and how many.
    double inner_probability;
    int inner_children;
    /// The number of nodes.
    std::uint64_t size;

    [[nodiscard]] node root() const { return {sha1(std::array{0u, 0u, 0u, 0u, seed}), 0}; }

    [[nodiscard]] int children_of(const node& parent) const {
        if (kind == shape::binomial) {
            if (parent.depth == 0) return branching;
            return parent.drawn() < inner_probability ? inner_children : 0;
        }
        if (parent.depth >= depth) return 0;
        const double p = 1.0 / (1.0 + branching);
        return std::min(100, static_cast<int>(std::floor(std::log(1 - parent.drawn()) / std::log(1 - p))));
    }
};

inline const std::array<tree, 2> trees =
    bench::quick ? std::array<tree, 2>{tree{"T1", shape::geometric, 19, 4, 5, 0, 0, 3'987},
                                       tree{"T3", shape::binomial, 42, 10, 0, 0.124875, 8, 6'123}}
                 : std::array<tree, 2>{tree{"T1", shape::geometric, 19, 4, 10, 0, 0, 4'130'071},
                                       tree{"T3", shape::binomial, 42, 2000, 0, 0.124875, 8, 4'112'897}};

/// Times `search(tree)`, which counts the nodes, on both trees.
template <class F>
void measure(unsigned threads, F search) {
    for (const tree& t : trees)
        bench::measure(std::string(t.name) + ", " + bench::threads_name(threads), t.size, [&] { return search(t); });
}

}  // namespace uts
