/// @file
/// The results of a map by index, as they arrive in any order.
#pragma once

#include <cstddef>
#include <cstring>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <cadre/detail/base/populate.hpp>
#include <cadre/detail/call/item_errors.hpp>
#include <cadre/detail/codec/codec_core.hpp>
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
    /// Where the results of `items` items from `first` on may be written as bytes; null: nowhere.
    [[nodiscard]] static std::byte* place(std::size_t /*first*/, std::size_t /*items*/) noexcept { return nullptr; }
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

/// Plain values, or nothing, in the vector that the map returns; errors, which are few, beside it.
template <class R>
class plain_results {
    using value = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

public:
    using type = std::vector<value>;

    explicit plain_results(std::optional<std::size_t> total) : in_place_(total.value_or(0)) {
        if (!total) return;
        all_.reserve(*total);
        populate_for_writing(all_.data(), *total * sizeof(value));
        all_.resize(*total);
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    void grow(std::size_t items) {
        size_ += items;
        if (size_ > all_.size()) all_.resize(size_);
    }
    /// The vector of a known number of results never moves.
    [[nodiscard]] std::byte* place(std::size_t first, std::size_t items) noexcept {
        if (std::is_void_v<R> || first + items > in_place_) return nullptr;
        return reinterpret_cast<std::byte*>(all_.data() + first);
    }
    void set(std::size_t i, outcome<R> result) {
        if (!result.has_value()) {
            errors_.set(i, result.error());
            return;
        }
        errors_.erase(i);
        if constexpr (!std::is_void_v<R>) all_[i] = *result;
    }
    [[nodiscard]] std::exception_ptr error(std::size_t i) const { return errors_.error(i); }
    [[nodiscard]] std::size_t next_failure(std::size_t from, std::size_t to) const { return errors_.next(from, to); }
    [[nodiscard]] type take() noexcept {
        all_.resize(size_);
        return std::move(all_);
    }

private:
    type all_;
    std::size_t in_place_;  // results whose number was known from the start; 0: it was not
    std::size_t size_ = 0;
    item_errors errors_;
};

}  // namespace cadre::detail
