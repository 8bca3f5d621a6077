#include "config/suggest.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

#include <range/v3/range/conversion.hpp>
#include <range/v3/view/join.hpp>

namespace cadre::detail {
namespace {

// Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before_last(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
        std::swap(before_last, last);
        std::swap(last, row);
    }
    return last.back();
}

}  // namespace

std::string_view closest(std::string_view wrong, std::span<const std::string> candidates) {
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(1, wrong.size() / 3) + 1;
    for (const std::string& candidate : candidates) {
        const std::size_t d = distance(wrong, candidate);
        if (d < best_distance && d < candidate.size()) {
            best_distance = d;
            best = candidate;
        }
    }
    return best;
}

std::string did_you_mean(std::string_view wrong, std::span<const std::string> candidates) {
    const std::string_view best = closest(wrong, candidates);
    return best.empty() ? std::string() : "; did you mean '" + std::string(best) + "'?";
}

std::string listed(std::span<const std::string> names) {
    return names | ranges::views::join(std::string_view(", ")) | ranges::to<std::string>();
}

}  // namespace cadre::detail
