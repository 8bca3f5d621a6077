/// @file
/// The results of a `map_stream` that have arrived and have not been delivered.
#pragma once

#include <cstddef>
#include <deque>
#include <exception>
#include <map>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <cadre/outcome.hpp>

namespace cadre::detail {

template <class R>
using stream_value = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

/// Errors, which are few, by index: a failed item ends the stream once all items in flight have ended, unless it is repeated and
/// succeeds.
template <class R, class Values>
class map_stream_results {
public:
    /// What `take` gives.
    struct type {
        std::vector<stream_value<R>> ready;  ///< the values that may be delivered now
        std::size_t settled;  ///< items that have a value or an error, since the start
    };

    explicit map_stream_results(std::optional<std::size_t> /*total*/) noexcept {}
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    void grow(std::size_t items) {
        size_ += items;
        values_.grow(items);
    }
    /// A stream has no place for all results.
    [[nodiscard]] static std::byte* place(std::size_t /*first*/, std::size_t /*items*/) noexcept { return nullptr; }
    void set(std::size_t i, outcome<R> result) {
        if (!result.has_value()) {
            errors_.insert_or_assign(i, result.error());
            return;
        }
        if (!errors_.empty()) errors_.erase(i);
        ++with_value_;
        if constexpr (std::is_void_v<R>)
            values_.set(i, std::monostate{});
        else
            values_.set(i, std::move(*result));
    }
    [[nodiscard]] std::exception_ptr error(std::size_t i) const {
        const auto found = errors_.find(i);
        return found != errors_.end() ? found->second : nullptr;
    }
    [[nodiscard]] std::size_t next_failure(std::size_t from, std::size_t to) const {
        const auto found = errors_.lower_bound(from);
        return found != errors_.end() && found->first < to ? found->first : to;
    }
    [[nodiscard]] type take() { return {values_.take(), with_value_ + errors_.size()}; }

private:
    std::size_t size_ = 0;
    std::size_t with_value_ = 0;
    Values values_;
    std::map<std::size_t, std::exception_ptr> errors_;
};

/// Values in input order: a value waits for those before it.
template <class V>
class values_in_order {
public:
    void grow(std::size_t items) { window_.resize(window_.size() + items); }
    void set(std::size_t i, V&& value) { window_[i - first_].emplace(std::move(value)); }
    [[nodiscard]] std::vector<V> take() {
        std::vector<V> ready;
        for (; !window_.empty() && window_.front(); ++first_) {
            ready.push_back(std::move(*window_.front()));
            window_.pop_front();
        }
        return ready;
    }

private:
    std::size_t first_ = 0;  // index of the first item in the window
    std::deque<std::optional<V>> window_;
};

/// Values as they arrive: an item in flight takes no room here.
template <class V>
class values_as_they_come {
public:
    void grow(std::size_t /*items*/) noexcept {}
    void set(std::size_t /*i*/, V&& value) { ready_.push_back(std::move(value)); }
    [[nodiscard]] std::vector<V> take() { return std::exchange(ready_, {}); }

private:
    std::vector<V> ready_;
};

}  // namespace cadre::detail
