/// @file
/// Several ranges that a map goes through side by side, up to the end of the shortest one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cadre/detail/call/local_map.hpp>
#include <cadre/detail/call/map_input.hpp>
#include <cadre/map_options.hpp>

namespace cadre::detail {

/// The ranges of one map, each as `kept_range` takes it. Not a range of the standard library: before C++23 a tuple of
/// references is no element of one.
template <class... Rs>
struct side_by_side {
    std::tuple<Rs...> ranges;
};

template <class R>
inline constexpr bool is_unbounded = false;
template <class R>
    requires std::ranges::range<R>
inline constexpr bool is_unbounded<R> = std::is_same_v<std::ranges::sentinel_t<R>, std::unreachable_sentinel_t>;

template <class... Rs>
class kept_range<side_by_side<Rs...>> {
    template <class... Iterators>
    class iterator_of {
    public:
        using difference_type = std::ptrdiff_t;

        explicit iterator_of(Iterators... at) : at_(std::move(at)...) {}
        [[nodiscard]] auto operator*() const {
            return std::apply([](const auto&... at) { return std::tuple<decltype(*at)...>(*at...); }, at_);
        }
        iterator_of& operator++() {
            std::apply([](auto&... at) { (static_cast<void>(++at), ...); }, at_);
            return *this;
        }
        [[nodiscard]] auto operator[](difference_type i) const {
            return std::apply(
                [i](const auto&... at) {
                    return std::tuple<decltype(at[0])...>(at[static_cast<std::iter_difference_t<decltype(at)>>(i)]...);
                },
                at_);
        }
        template <class... Sentinels>
        [[nodiscard]] bool at_end(const std::tuple<Sentinels...>& ends) const {
            return [&]<std::size_t... I>(std::index_sequence<I...>) {
                return ((std::get<I>(at_) == std::get<I>(ends)) || ...);
            }(std::index_sequence_for<Sentinels...>{});
        }

    private:
        std::tuple<Iterators...> at_;
    };
    template <class... Sentinels>
    class sentinel_of {
    public:
        explicit sentinel_of(Sentinels... ends) : ends_(std::move(ends)...) {}
        /// The end of the shortest range.
        template <class... Iterators>
        friend bool operator==(const iterator_of<Iterators...>& at, const sentinel_of& s) {
            return at.at_end(s.ends_);
        }

    private:
        std::tuple<Sentinels...> ends_;
    };

public:
    explicit kept_range(side_by_side<Rs...>&& given)
        : ranges_(std::apply(
              [](Rs&... rs) { return std::tuple<kept_range<Rs>...>(kept_range<Rs>(static_cast<Rs&&>(rs))...); },
              given.ranges)) {}
    [[nodiscard]] auto begin() {
        return std::apply([](auto&... rs) { return iterator_of<decltype(rs.begin())...>(rs.begin()...); }, ranges_);
    }
    [[nodiscard]] auto end() {
        return std::apply([](auto&... rs) { return sentinel_of<decltype(rs.end())...>(rs.end()...); }, ranges_);
    }
    /// The number of items, if that of each range is known or without end.
    [[nodiscard]] std::optional<std::size_t> size() noexcept {
        if constexpr (!((std::ranges::sized_range<std::remove_reference_t<Rs>> ||
                         is_unbounded<std::remove_reference_t<Rs>>) &&
                        ...) ||
                      (is_unbounded<std::remove_reference_t<Rs>> && ...)) {
            return std::nullopt;
        } else {
            const auto none = static_cast<std::size_t>(-1);
            return std::apply([none](auto&... rs) { return std::min({rs.size().value_or(none)...}); }, ranges_);
        }
    }

private:
    std::tuple<kept_range<Rs>...> ranges_;
};

template <class... Rs>
struct item_type<side_by_side<Rs...>> {
    using type = std::tuple<item_of<Rs>...>;
};

template <class... Rs>
inline constexpr bool gives_items<side_by_side<Rs...>> = (gives_items<Rs> && ...);

/// More than three ranges, and `map_options` behind them or not.
template <class... Inputs>
inline constexpr bool ends_with_options =
    std::is_same_v<std::tuple_element_t<sizeof...(Inputs) - 1, std::tuple<std::remove_cvref_t<Inputs>...>>,
                   map_options>;
template <class... Inputs>
concept many_ranges = sizeof...(Inputs) > 3 && (std::ranges::input_range<Inputs> + ...) > 3 &&
                      (std::ranges::input_range<Inputs> + ...) + ends_with_options<Inputs...> == sizeof...(Inputs);

/// Calls `start` with the ranges, as a `side_by_side`, and the options.
template <class Start, class... Inputs>
auto start_many(const Start& start, Inputs&&... inputs) {
    constexpr std::size_t count = sizeof...(Inputs) - (ends_with_options<Inputs...> ? 1 : 0);
    std::tuple<Inputs&&...> given(std::forward<Inputs>(inputs)...);
    map_options options;
    if constexpr (ends_with_options<Inputs...>) options = std::get<count>(given);
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
        return start(
            side_by_side<std::tuple_element_t<I, std::tuple<Inputs...>>...>{{std::get<I>(std::move(given))...}},
            options);
    }(std::make_index_sequence<count>{});
}

// One of them has an end.
template <class... Rs>
inline constexpr bool is_concurrently_readable<side_by_side<Rs...>> =
    ((is_concurrently_readable<std::remove_reference_t<Rs>> || is_unbounded<std::remove_reference_t<Rs>>) && ...) &&
    (std::ranges::sized_range<std::remove_reference_t<Rs>> || ...);

}  // namespace cadre::detail
