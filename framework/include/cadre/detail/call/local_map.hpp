/// @file
/// `map` and `map_outcomes` of a plain function on a local executor, over a range that any thread can index.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <cadre/detail/base/populate.hpp>
#include <cadre/detail/call/map_item.hpp>
#include <cadre/detail/call/parallel_loop.hpp>
#include <cadre/detail/call/run_limit.hpp>
#include <cadre/outcome.hpp>

namespace cadre::detail {

template <class>
inline constexpr bool is_iota_view = false;
template <class W, class B>
inline constexpr bool is_iota_view<std::ranges::iota_view<W, B>> = true;

/// Ranges whose items the workers may read by themselves, at the same time and in any order: arrays and numbers. A
/// range that runs user code when it is read, such as a view with a function, is read at the home of the map.
template <class R>
inline constexpr bool is_concurrently_readable =
    std::ranges::sized_range<R> && std::ranges::random_access_range<R> &&
    (std::ranges::contiguous_range<R> || is_iota_view<std::remove_cvref_t<R>>);

/// Results of known number, stored by index from several threads. They are stored in the vector itself if its elements
/// can be constructed in advance and are separate objects (unlike vector<bool>, whose neighbours threads may not write
/// concurrently); otherwise they are moved there at the end.
template <class R>
class indexed_results {
    static constexpr bool in_place =
        std::is_default_constructible_v<R> && std::is_nothrow_move_assignable_v<R> && !std::is_same_v<R, bool>;
    using storage = std::conditional_t<in_place, std::vector<R>, std::vector<std::optional<R>>>;

public:
    explicit indexed_results(std::size_t n) {
        values_.reserve(n);
        populate_for_writing(values_.data(), n * sizeof(typename storage::value_type));
        values_.resize(n);
    }
    /// Stores results, each index once.
    class element_writer {
    public:
        explicit element_writer(typename storage::value_type* values) noexcept : values_(values) {}
        template <class V>
        void set(std::size_t i, V&& value) const {
            if constexpr (in_place)
                values_[i] = std::forward<V>(value);
            else
                values_[i].emplace(std::forward<V>(value));
        }

    private:
        typename storage::value_type* values_;
    };
    [[nodiscard]] element_writer writer() noexcept { return element_writer(values_.data()); }
    [[nodiscard]] std::vector<R> take() {
        if constexpr (in_place) {
            return std::move(values_);
        } else {
            std::vector<R> result;
            result.reserve(values_.size());
            for (auto& v : values_)
                result.push_back(std::move(*v));
            return result;
        }
    }

private:
    storage values_;
};

/// One map while it runs. `Result` is what `take` gives for each item: the value, or an outcome, which keeps errors.
template <class F, class Item, class Iterator, class Result>
class local_map final : public parallel_loop {
    using value = typename item_bound<F, Item>::result;
    static constexpr bool keeps_errors = std::is_same_v<Result, outcome<value>>;

public:
    local_map(std::shared_ptr<executor_backend> backend, const F& f, Iterator first, settings s)
        : parallel_loop(std::move(backend), s, callable_of(f)), function_(f), first_(std::move(first)),
          results_(s.size) {}

    [[nodiscard]] std::vector<Result> take() { return results_.take(); }

private:
    std::size_t run_batch(runner& r, std::size_t first, std::size_t last) noexcept override {
        if (item_limit().count() > 0) return run_limited(r, first, last);
        // Copies, which stay in registers: the fence of `begin` makes compilers read members again for each index.
        Iterator items = first_;
        const F& function = function_;
        const auto results = results_.writer();
        for (std::size_t i = first; i != last; ++i) {
            if (!r.begin(i)) return i;
            try {
                call(function, items, results, i);
            } catch (...) {
                keep(i, std::current_exception());
            }
        }
        return last;
    }
    std::size_t run_limited(runner& r, std::size_t first, std::size_t last) noexcept {
        for (std::size_t i = first; i != last; ++i) {
            if (!r.begin(i)) return i;
            run_limit limit(item_limit());
            limit.begin(r.env());
            std::exception_ptr error;
            try {
                call(function_, first_, results_.writer(), i);
            } catch (...) {
                error = std::current_exception();
            }
            error = limit.end(r.env(), std::move(error), name(), callable());
            if (error != nullptr) keep(i, std::move(error));
        }
        return last;
    }
    static void call(const F& f, Iterator& items, typename indexed_results<Result>::element_writer results,
                     std::size_t i) {
        const auto at = static_cast<std::iter_difference_t<Iterator>>(i);
        if constexpr (std::is_void_v<value>) {
            apply_to_item<F, Item>(f, items[at]);
            results.set(i, Result{});
        } else {
            results.set(i, apply_to_item<F, Item>(f, items[at]));
        }
    }
    void refuse(std::size_t i, const std::exception_ptr& error) noexcept override { keep(i, error); }
    void keep(std::size_t i, std::exception_ptr error) noexcept {
        if constexpr (keeps_errors)
            results_.writer().set(i, Result(std::move(error)));
        else
            fail(i, error);
    }

    const F& function_;
    Iterator first_;
    indexed_results<Result> results_;
};

}  // namespace cadre::detail
