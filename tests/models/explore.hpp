// Visits every state that a model can reach: every interleaving of single shared accesses.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace models {

struct findings {
    std::size_t states = 0;
    std::size_t ends = 0;
    std::string violation;  // the first one; empty if there is none
    bool complete = false;  // all states were visited, and an end is reachable from each
};

/// A model has `state` (trivially copyable, all bytes significant), `state initial()`, `bool ended(state)` and
/// `step(state, emit)`, which calls `emit(next)` for each possible next state, and throws a std::string for a
/// violation.
template <class Model>
findings explore(const Model& model, std::size_t limit = 4'000'000) {
    using state = typename Model::state;
    static_assert(std::has_unique_object_representations_v<state>);
    findings f;
    std::vector<state> order;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
    std::vector<std::uint32_t> table(1u << 16, 0);  // indices into `order`, plus one; open addressing
    const auto place = [&](const state& s) {
        std::uint64_t h = 0x9e37'79b9'7f4a'7c15ull;
        for (std::size_t at = 0; at < sizeof s; at += 8) {
            std::uint64_t part = 0;
            std::memcpy(&part, reinterpret_cast<const char*>(&s) + at, std::min<std::size_t>(8, sizeof s - at));
            h = (h ^ part) * 0xff51'afd7'ed55'8ccdull;
            h ^= h >> 32;
        }
        std::size_t i = h & (table.size() - 1);
        while (table[i] != 0 && std::memcmp(&order[table[i] - 1], &s, sizeof s) != 0)
            i = (i + 1) & (table.size() - 1);
        return i;
    };
    const auto visit = [&](const state& s) {
        if (order.size() * 2 > table.size()) {
            table.assign(table.size() * 4, 0);
            for (std::uint32_t n = 0; n != order.size(); ++n)
                table[place(order[n])] = n + 1;
        }
        const std::size_t i = place(s);
        if (table[i] == 0) {
            order.push_back(s);
            table[i] = static_cast<std::uint32_t>(order.size());
        }
        return table[i] - 1;
    };
    visit(model.initial());
    std::vector<std::uint32_t> ends;
    for (std::uint32_t i = 0; i != order.size(); ++i) {
        if (order.size() > limit) return f;
        const state s = order[i];
        try {
            if (model.ended(s)) ends.push_back(i);
            model.step(s, [&](const state& next) { edges.emplace_back(visit(next), i); });
        } catch (const std::string& what) {
            f.states = order.size();
            f.violation = what;
            return f;
        }
    }
    f.states = order.size();
    f.ends = ends.size();
    // Backwards from the ends: a state that is not met cannot reach an end.
    std::vector<std::uint32_t> first(order.size() + 1, 0);
    for (const auto& [to, from] : edges)
        ++first[to + 1];
    for (std::size_t i = 1; i != first.size(); ++i)
        first[i] += first[i - 1];
    std::vector<std::uint32_t> before(edges.size());
    auto fill = first;
    for (const auto& [to, from] : edges)
        before[fill[to]++] = from;
    std::vector<bool> met(order.size(), false);
    std::vector<std::uint32_t> work = ends;
    for (const std::uint32_t e : ends)
        met[e] = true;
    std::size_t count = ends.size();
    while (!work.empty()) {
        const std::uint32_t at = work.back();
        work.pop_back();
        for (std::uint32_t e = first[at]; e != first[at + 1]; ++e)
            if (!met[before[e]]) {
                met[before[e]] = true;
                ++count;
                work.push_back(before[e]);
            }
    }
    f.complete = count == order.size();
    if (!f.complete) f.violation = "a state from which there is no end";
    return f;
}

}  // namespace models
