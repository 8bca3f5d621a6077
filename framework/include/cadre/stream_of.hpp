/// @file
/// `stream_of`: the elements of a range as a stream.
///
///     auto s = cadre::stream_of(std::views::iota(1, 4));
///     while (auto i = co_await s.next()) std::cout << *i << '\n';
#pragma once

#include <ranges>
#include <type_traits>
#include <utility>

#include <cadre/detail/base/range_item.hpp>
#include <cadre/errors.hpp>
#include <cadre/stop.hpp>
#include <cadre/stream.hpp>

namespace cadre {

namespace detail {

template <class Range>
using range_element = std::decay_t<std::ranges::range_value_t<std::remove_reference_t<Range>>>;

/// Whether the elements may be moved out: of a container that is owned, and of a range that is read only once.
template <class Range>
inline constexpr bool gives_its_elements =
    (!std::is_lvalue_reference_v<Range> && !std::ranges::view<Range> && !std::is_const_v<Range>) ||
    !std::ranges::forward_range<std::remove_reference_t<Range>>;

template <class Range, class Iterator>
[[nodiscard]] range_element<Range> read_element(const Iterator& at) {
    using element = range_element<Range>;
    using reference = std::iter_reference_t<Iterator>;
    if constexpr (std::is_lvalue_reference_v<reference> && gives_its_elements<Range>)
        return element(std::ranges::iter_move(at));
    else
        return make_item<element>(*at);
}

template <class Range>
stream<range_element<Range>> run_stream_of(Range range) {
    auto&& elements = static_cast<std::remove_reference_t<Range>&>(range);
    const auto end = std::ranges::end(elements);
    for (auto at = std::ranges::begin(elements); at != end; ++at) {
        if (stop_requested()) throw cancelled{};  // an endless range waits for nothing else
        co_yield read_element<Range>(at);
    }
}

}  // namespace detail

/// A stream of the elements of any input range, standard or range-v3, as values. The range is read at the home of the
/// consumer, one element for each `next()`.
///
/// @param range  moved into the stream; an lvalue is referred to and must outlive the stream. The elements of an owned
///               container, and of a range that is read only once, are moved, others copied.
/// @throws from `next()`: what the range throws; `cancelled` if stop of the task that made the stream is requested
template <std::ranges::input_range Range>
[[nodiscard]] auto stream_of(Range&& range) -> stream<detail::range_element<Range>> {
    using reference = std::ranges::range_reference_t<std::remove_reference_t<Range>>;
    static_assert(detail::gives_its_elements<Range> || !std::is_lvalue_reference_v<reference> ||
                      std::is_copy_constructible_v<detail::range_element<Range>>,
                  "stream_of: the elements of this range cannot be copied; pass the container itself with std::move");
    return detail::run_stream_of<Range>(std::forward<Range>(range));
}

}  // namespace cadre
