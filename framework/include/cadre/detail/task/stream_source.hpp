/// @file
/// The sources that can be read as a stream: streams and ranges.
#pragma once

#include <ranges>
#include <type_traits>
#include <utility>

#include <cadre/detail/coroutine/awaitable.hpp>
#include <cadre/stream.hpp>
#include <cadre/stream_of.hpp>

namespace cadre::detail {

template <class S>
concept stream_source = is_stream<std::remove_cvref_t<S>> || std::ranges::input_range<std::remove_reference_t<S>>;

/// Takes a stream over, shares one that is an lvalue, makes one of a range.
template <class S>
[[nodiscard]] auto as_stream(S&& source) {
    if constexpr (!is_stream<std::remove_cvref_t<S>>)
        return stream_of(std::forward<S>(source));
    else if constexpr (std::is_lvalue_reference_v<S>)
        return stream_access::share(source);
    else
        return std::remove_cvref_t<S>(std::move(source));
}

template <class S>
using element_of_source = typename decltype(as_stream(std::declval<S>()))::value_type;

template <class R>
struct awaited_value {
    using type = std::decay_t<R>;
};
template <awaitable R>
struct awaited_value<R> {
    using type = std::decay_t<await_result_t<R>>;
};

}  // namespace cadre::detail
