/// @file
/// `map_stream`: apply a function to every item of a range or a stream, on an executor, with bounded look-ahead.
///
///     auto words = cadre::map_stream(ex, count_words, files, {.ordered = false});
///     while (auto n = co_await words.next()) std::cout << *n << '\n';
#pragma once

#include <limits>
#include <memory>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/call/map_check.hpp>
#include <cadre/detail/call/map_stream_input.hpp>
#include <cadre/detail/call/map_stream_results.hpp>
#include <cadre/detail/call/map_stream_run.hpp>
#include <cadre/detail/call/side_by_side.hpp>
#include <cadre/detail/task/stream_source.hpp>
#include <cadre/executor.hpp>
#include <cadre/map.hpp>
#include <cadre/map_options.hpp>
#include <cadre/stream.hpp>

namespace cadre {

namespace detail {

template <bool Remote, class Values, class F, class Input>
auto start_map_stream(executor ex, F f, Input input, const map_options& options) {
    using result = typename item_bound<F, typename Input::item>::result;
    using batches = stream_queue<std::vector<stream_value<result>>>;
    auto out = std::make_shared<batches>(std::numeric_limits<std::size_t>::max());
    auto link = std::make_shared<map_stream_link>();
    auto sending = run_map_stream<Remote, F, map_stream_results<result, Values>, Input, batches>(
        out, link, std::move(ex), std::move(f), std::move(input), options, std::string(options.name));
    return deliver_map_stream<stream_value<result>>(std::move(out), std::move(link), std::move(sending),
                                                    options.window == 0);
}

template <bool Remote, class F, class Input>
auto start_map_stream(executor ex, F f, Input input, const map_options& options) {
    using value = stream_value<typename item_bound<F, typename Input::item>::result>;
    if (options.ordered)
        return start_map_stream<Remote, values_in_order<value>>(std::move(ex), std::move(f), std::move(input), options);
    return start_map_stream<Remote, values_as_they_come<value>>(std::move(ex), std::move(f), std::move(input), options);
}

template <class T>
stream<T> refused_stream() {
    co_return;
}

// The items as `map` sees those of a range.
template <class S>
struct source_items {
    using type = std::vector<item_of<S>>;
};
template <class S>
    requires is_stream<std::remove_cvref_t<S>>
struct source_items<S> {
    using type = std::vector<element_of_source<S>>;
};
template <class S>
using items_of_source = typename source_items<S>::type;

template <bool Remote, class F, class Ranges>
auto stream_side_by_side(executor ex, F&& f, Ranges ranges, const map_options& options)
    -> stream<map_value<F, Ranges>> {
    using checked = range_check<Remote, F, Ranges>;
#include <cadre/detail/codec/refusals.def>
    if constexpr (!accepts<checked>)
        return refused_stream<map_value<F, Ranges>>();
    else
        return start_map_stream<Remote>(std::move(ex), std::decay_t<F>(std::forward<F>(f)),
                                        range_items<Ranges>(std::move(ranges)), options);
}

}  // namespace detail

/// Applies `f` to every item of `source` on `ex`, several items at a time, and gives the results as a stream. Nothing
/// runs before the first `next()`. From then on a task at the home of the consumer sends items and collects results,
/// also while the consumer does other work. At most `options.window` items are taken and not yet delivered, so an
/// endless source works and memory stays flat.
///
/// @param f        as for `map`
/// @param source   a range or a stream, such as that of another `map_stream`. An rvalue is taken over; a stream that is
///                 an lvalue is shared; a range that is an lvalue must outlive the work
/// @param options  as for `map`. `window`: 0 keeps the workers busy; `ordered`: in input order, or as the items finish.
///                 What `progress` refers to must live until the stream has ended or is destroyed
/// @return a stream of the results; `std::monostate` for each item if `f` returns nothing
/// @throws from `next()`: the failure of the lowest index, after the results before it (with `ordered = false`: after
/// those that were ready), and after the rest was asked to stop and has ended; what the source throws, after the
/// results of the items before.
///
/// Stop: a request to the task that made the stream is passed on; `next()` then ends with `cancelled` when the work has
/// ended. Dropping the stream requests stop of the items in flight. Their executor owns these items, and its home the
/// sending task, until they have ended.
template <detail::map_executor E, class F, detail::stream_source S>
[[nodiscard]] auto map_stream(E&& ex, F&& f, S&& source, map_options options = {})
    -> stream<detail::map_value<F, detail::items_of_source<S>>> {
    constexpr bool remote = detail::may_be_remote<E>;
    using checked = detail::range_check<remote, F, detail::items_of_source<S>>;
#include <cadre/detail/codec/refusals.def>
    if constexpr (!detail::accepts<checked>) {
        return detail::refused_stream<detail::map_value<F, detail::items_of_source<S>>>();
    } else if constexpr (detail::is_stream<std::remove_cvref_t<S>>) {
        return detail::start_map_stream<remote>(std::forward<E>(ex), std::decay_t<F>(std::forward<F>(f)),
                                                detail::stream_items(detail::as_stream(std::forward<S>(source))),
                                                options);
    } else {
        return detail::start_map_stream<remote>(std::forward<E>(ex), std::decay_t<F>(std::forward<F>(f)),
                                                detail::range_items<S>(std::forward<S>(source)), options);
    }
}

/// `map_stream` through several ranges side by side, as `map`.
template <detail::map_executor E, class F, std::ranges::input_range A, std::ranges::input_range B>
[[nodiscard]] auto map_stream(E&& ex, F&& f, A&& a, B&& b, map_options options = {}) {
    return detail::stream_side_by_side<detail::may_be_remote<E>>(
        std::forward<E>(ex), std::forward<F>(f), detail::side_by_side<A, B>{{std::forward<A>(a), std::forward<B>(b)}},
        options);
}
template <detail::map_executor E, class F, std::ranges::input_range A, std::ranges::input_range B,
          std::ranges::input_range C>
[[nodiscard]] auto map_stream(E&& ex, F&& f, A&& a, B&& b, C&& c, map_options options = {}) {
    return detail::stream_side_by_side<detail::may_be_remote<E>>(
        std::forward<E>(ex), std::forward<F>(f),
        detail::side_by_side<A, B, C>{{std::forward<A>(a), std::forward<B>(b), std::forward<C>(c)}}, options);
}
template <detail::map_executor E, class F, class... Inputs>
    requires detail::many_ranges<Inputs...>
[[nodiscard]] auto map_stream(E&& ex, F&& f, Inputs&&... inputs) {
    return detail::start_many(
        [&](auto&& ranges, const map_options& options) {
            return detail::stream_side_by_side<detail::may_be_remote<E>>(std::forward<E>(ex), std::forward<F>(f),
                                                                         std::move(ranges), options);
        },
        std::forward<Inputs>(inputs)...);
}

CADRE_REFUSE_OTHERS(
    map_stream,
    "cadre::map_stream(ex, f, source, options) takes an executor, a function, a range or a stream, and options as "
    "{.window = 8}; of a function that is overloaded or a template, pass a lambda that calls it");

}  // namespace cadre
