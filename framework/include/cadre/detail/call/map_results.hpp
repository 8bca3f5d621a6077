/// @file
/// The results of a map by index, as they arrive in any order.
#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include <cadre/outcome.hpp>

namespace cadre::detail {

/// A value or an error for every item; empty while the item has not ended.
template <class R>
class outcome_results {
public:
    using type = std::vector<std::optional<outcome<R>>>;

    explicit outcome_results(std::optional<std::size_t> total) {
        if (total) all_.reserve(*total);
    }
    /// Items sent so far.
    [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
    void grow(std::size_t items) { all_.resize(all_.size() + items); }
    void set(std::size_t i, outcome<R> result) { all_[i].emplace(std::move(result)); }
    /// Null: the item has a value.
    [[nodiscard]] std::exception_ptr error(std::size_t i) const {
        return all_[i]->has_value() ? nullptr : all_[i]->error();
    }
    /// The first item from `from` on, below `to`, that has failed; `to` if there is none.
    [[nodiscard]] std::size_t next_failure(std::size_t from, std::size_t to) const {
        while (from != to && all_[from]->has_value())
            ++from;
        return from;
    }
    [[nodiscard]] type take() noexcept { return std::move(all_); }

private:
    type all_;
};

}  // namespace cadre::detail
