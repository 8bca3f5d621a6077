/// @file
/// The free part of an address range: runs with merged neighbours, kept in private memory.
#pragma once

#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

namespace cadre::detail {

/// Runs of unused positions, which are bytes or units as the caller chooses. Not thread-safe.
class free_runs {
public:
    /// The start of the lowest run of at least `count` positions. Linear.
    [[nodiscard]] std::optional<std::uint64_t> first_fit(std::uint64_t count) const noexcept {
        for (const auto& [start, length] : runs_)
            if (length >= count) return start;
        return std::nullopt;
    }
    /// The start of the shortest run of at least `count` positions, of the lowest among equals. Linear.
    [[nodiscard]] std::optional<std::uint64_t> best_fit(std::uint64_t count) const noexcept {
        auto best = runs_.end();
        for (auto i = runs_.begin(); i != runs_.end(); ++i)
            if (i->second >= count && (best == runs_.end() || i->second < best->second)) best = i;
        return best != runs_.end() ? std::optional(best->first) : std::nullopt;
    }
    /// The run with the lowest start: (start, length). There is one.
    [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> lowest() const noexcept { return *runs_.begin(); }
    /// Removes the first `count` positions of the run that starts at `start`, which has at least `count` positions.
    void take(std::uint64_t start, std::uint64_t count) noexcept {
        auto node = runs_.extract(start);
        if (node.mapped() == count) return;
        node.key() += count;
        node.mapped() -= count;
        runs_.insert(std::move(node));
    }
    /// Adds a run that does not overlap the others and merges it with its neighbours.
    /// @throws std::bad_alloc if it has no neighbour and there is no memory
    void add(std::uint64_t start, std::uint64_t count) {
        const auto next = runs_.lower_bound(start);
        const bool joins_next = next != runs_.end() && next->first == start + count;
        if (next != runs_.begin()) {
            const auto before = std::prev(next);
            if (before->first + before->second == start) {
                before->second += count;
                if (!joins_next) return;
                before->second += next->second;
                runs_.erase(next);
                return;
            }
        }
        if (!joins_next) {
            runs_.emplace_hint(next, start, count);
            return;
        }
        auto node = runs_.extract(next);
        node.key() = start;
        node.mapped() += count;
        runs_.insert(std::move(node));
    }

private:
    std::map<std::uint64_t, std::uint64_t> runs_;  // start → length
};

}  // namespace cadre::detail
