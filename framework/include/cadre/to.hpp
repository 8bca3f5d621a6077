/// @file
/// `to`: a container of all elements of a stream.
///
///     auto numbers = co_await cadre::to<std::vector>(cadre::stream_of(std::views::iota(0, 10)));
#pragma once

#include <iterator>
#include <utility>
#include <vector>

#include <cadre/detail/task/stream_source.hpp>
#include <cadre/stream.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

template <class C, class T>
task<C> collect_stream(stream<T> source) {
    C all;
    while (auto element = co_await source.next())
        if constexpr (requires { all.push_back(std::move(*element)); })
            all.push_back(std::move(*element));
        else
            all.insert(all.end(), std::move(*element));
    co_return all;
}

/// The container that a template of containers makes of elements `T`, as its constructor from iterators deduces it.
template <template <class...> class C, class T>
using container_of =
    decltype(C(std::declval<typename std::vector<T>::iterator>(), std::declval<typename std::vector<T>::iterator>()));

}  // namespace detail

/// Reads a stream, or a range, to its end.
///
/// @tparam C      a template of containers (`std::vector`, `std::set`, `std::map` of pairs, …), or a type of container
/// @param source  taken over; a stream that is an lvalue is read to its end, a range that is an lvalue must outlive the
///                task
/// @return a lazy task with the container; elements are moved into it
/// @throws what the stream throws: the elements before are lost then.
///
/// Stop: a wait for an element completes immediately with `cancelled`. Resumes: at home.
template <template <class...> class C, detail::stream_source S>
[[nodiscard]] auto to(S&& source) {
    using element = detail::element_of_source<S>;
    return detail::collect_stream<detail::container_of<C, element>>(detail::as_stream(std::forward<S>(source)));
}
template <class C, detail::stream_source S>
[[nodiscard]] task<C> to(S&& source) {
    return detail::collect_stream<C>(detail::as_stream(std::forward<S>(source)));
}

}  // namespace cadre
