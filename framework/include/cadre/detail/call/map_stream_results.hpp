/// @file
/// The results of a `map_stream` that have arrived and have not been delivered.
#pragma once

#include <cstddef>
#include <exception>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <cadre/detail/call/item_errors.hpp>
#include <cadre/outcome.hpp>

namespace cadre::detail {

template <class R>
using stream_value = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

/// Errors, which are few, by index: a failed item ends the stream once all items in flight have ended, unless it is
/// repeated and succeeds.
template <class R, class Values>
class map_stream_results {
public:
    /// The result of `take`.
    struct type {
        std::vector<std::vector<stream_value<R>>> ready;  ///< the values that may be delivered now, in batches
    };

    explicit map_stream_results(std::optional<std::size_t> /*total*/) noexcept {}
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    void grow(std::size_t items) { size_ += items; }
    /// A stream has no place for all results.
    [[nodiscard]] static std::byte* place(std::size_t /*first*/, std::size_t /*items*/) noexcept { return nullptr; }
    void set(std::size_t i, outcome<R> result) {
        if (!result.has_value()) {
            errors_.set(i, result.error());
            return;
        }
        errors_.erase(i);
        if constexpr (std::is_void_v<R>)
            values_.set(i, std::monostate{});
        else
            values_.set(i, std::move(*result));
    }
    /// The values of items from `first` on, none of which has failed before.
    void set_run(std::size_t first, std::vector<stream_value<R>>&& values) {
        if (!values.empty()) values_.set_run(first, std::move(values));
    }
    [[nodiscard]] std::exception_ptr error(std::size_t i) const { return errors_.error(i); }
    [[nodiscard]] std::size_t next_failure(std::size_t from, std::size_t to) const { return errors_.next(from, to); }
    [[nodiscard]] type take() { return {values_.take()}; }

private:
    std::size_t size_ = 0;
    Values values_;
    item_errors errors_;
};

/// Batches of values that may be delivered; short ones are joined.
template <class V>
using ready_batches = std::vector<std::vector<V>>;

template <class V>
void append_batch(ready_batches<V>& ready, std::vector<V>&& batch) {
    constexpr std::size_t short_batch = 256;
    if (ready.empty() || ready.back().size() + batch.size() > short_batch)
        ready.push_back(std::move(batch));
    else
        ready.back().insert(ready.back().end(), std::move_iterator(batch.begin()), std::move_iterator(batch.end()));
}

/// Values in input order: a value waits for those before it. Kept in runs, because most arrive a chunk at a time.
template <class V>
class values_in_order {
public:
    void set(std::size_t i, V&& value) {
        if (const auto before = runs_.lower_bound(i); before != runs_.begin() && end_of(*std::prev(before)) == i)
            std::prev(before)->second.push_back(std::move(value));
        else
            runs_.emplace(i, std::vector<V>{})->second.push_back(std::move(value));
    }
    void set_run(std::size_t first, std::vector<V>&& values) { runs_.emplace(first, std::move(values)); }
    [[nodiscard]] ready_batches<V> take() {
        ready_batches<V> ready;
        for (auto run = runs_.begin(); run != runs_.end() && run->first == first_; run = runs_.erase(run)) {
            first_ = end_of(*run);
            append_batch(ready, std::move(run->second));
        }
        return ready;
    }

private:
    using runs = std::multimap<std::size_t, std::vector<V>>;  // by the index of the first value; a run is not empty
    [[nodiscard]] static std::size_t end_of(const typename runs::value_type& run) {
        return run.first + run.second.size();
    }

    std::size_t first_ = 0;  // index of the next value to deliver
    runs runs_;
};

/// Values as they arrive.
template <class V>
class values_as_they_come {
public:
    void set(std::size_t /*i*/, V&& value) {
        if (ready_.empty() || ready_.back().size() >= long_batch) ready_.emplace_back();
        ready_.back().push_back(std::move(value));
    }
    void set_run(std::size_t /*first*/, std::vector<V>&& values) { append_batch(ready_, std::move(values)); }
    [[nodiscard]] ready_batches<V> take() { return std::exchange(ready_, {}); }

private:
    static constexpr std::size_t long_batch = 4096;
    ready_batches<V> ready_;
};

}  // namespace cadre::detail
