/// @file
/// `to`: a container of all elements of a stream.
///
///     auto numbers = co_await cadre::to<std::vector>(cadre::stream_of(std::views::iota(0, 10)));
#pragma once

#include <concepts>
#include <iterator>
#include <type_traits>
#include <utility>
#include <vector>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/coroutine/frame_pool.hpp>
#include <cadre/detail/task/stream_source.hpp>
#include <cadre/stream.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

/// Whether elements `T` can be added to a `C`.
template <class C, class T>
concept collects = std::default_initializable<C> && std::movable<C> &&
                   (requires(C& all, T& element) { all.push_back(std::move(element)); } ||
                    requires(C& all, T& element) { all.insert(all.end(), std::move(element)); });

template <class C, class T>
task<C> collect_stream(stream<T> source, frame_for<T> /*locals*/ = {}) {
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
auto container(typename std::vector<T>::iterator begin, typename std::vector<T>::iterator end)
    -> std::type_identity<decltype(C(begin, end))>;
template <template <class...> class C, class T>
auto container(...) -> std::type_identity<void>;
template <template <class...> class C, class T>
using container_of = typename decltype(container<C, T>(std::declval<typename std::vector<T>::iterator>(),
                                                       std::declval<typename std::vector<T>::iterator>()))::type;

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
template <class C, detail::stream_source S>
[[nodiscard]] auto to(S&& source) {
    constexpr bool collects = detail::collects<C, detail::element_of_source<S>>;
    static_assert(collects,
                  "cadre::to<C>(source): C is no container to which the elements of the source can be added; a "
                  "std::map takes pairs");
    if constexpr (collects)
        return detail::collect_stream<C>(detail::as_stream(std::forward<S>(source)));
    else
        return detail::refused_call();
}
template <template <class...> class C, detail::stream_source S>
[[nodiscard]] auto to(S&& source) {
    return to<detail::container_of<C, detail::element_of_source<S>>>(std::forward<S>(source));
}

}  // namespace cadre
