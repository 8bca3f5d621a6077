/// @file
/// `map`, `map_outcomes`: apply a function to every item of a range, on an executor.
///
///     auto sizes = co_await cadre::map(ex, count_words, files);
#pragma once

#include <initializer_list>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/call/call_check.hpp>
#include <cadre/detail/call/environment_awaiter.hpp>
#include <cadre/detail/call/local_map.hpp>
#include <cadre/detail/call/map_check.hpp>
#include <cadre/detail/call/map_input.hpp>
#include <cadre/detail/call/map_run.hpp>
#include <cadre/detail/call/side_by_side.hpp>
#include <cadre/detail/codec/convert_argument.hpp>
#include <cadre/detail/coroutine/frame_pool.hpp>
#include <cadre/executor.hpp>
#include <cadre/map_options.hpp>
#include <cadre/on.hpp>
#include <cadre/outcome.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

template <map_executors Executors, class Results, class F, class Range>
task<typename Results::type> run_map(executor ex, F f, kept_range<Range> range, map_options options, bool fail_fast) {
    environment_awaiter here;
    const environment* env = co_await here;
    using item = item_of<Range>;
    constexpr bool portable = Executors != map_executors::local;
    map_function_reference<portable, F, item> called(f);
    map_run<map_function_t<portable, F, item>, item, Results, Executors> run(std::move(ex), called, options,
                                                                             range.size(), env->stop, fail_fast);
    co_await drive_chunks(run, range);
    co_return run.take_results();
}

/// Whether a map on a local executor is one loop that the workers share, without a task for each chunk.
template <class F, class Range>
inline constexpr bool loops_locally =
    is_concurrently_readable<std::remove_reference_t<Range>> && !item_bound<F, item_of<Range>>::coroutine;

template <bool Remote, class Result, class F, class Range>
task<std::vector<Result>> run_local_map(executor ex, F f, kept_range<Range> range, map_options options) {
    parallel_loop::settings s = loop_settings(ex, options, *range.size(), !is_outcome<Result>);
    using item = item_of<Range>;
    map_function_reference<Remote, F, item> called(f);
    local_map<map_function_t<Remote, F, item>, item, decltype(range.begin()), Result> loop(ex.backend(), called,
                                                                                           range.begin(), std::move(s));
    co_await loop.run();
    co_return loop.take();
}

template <class R, class O>
task<std::vector<R>> collect_values(task<std::vector<std::optional<O>>> map, frame_for<R, O> /*locals*/ = {}) {
    auto outcomes = co_await std::move(map);
    std::vector<R> values;
    values.reserve(outcomes.size());
    for (auto& o : outcomes)
        if constexpr (std::is_same_v<R, std::monostate>)
            values.emplace_back();
        else
            values.push_back(*std::move(*o));
    co_return values;
}

template <class O>
task<std::vector<O>> collect_outcomes(task<std::vector<std::optional<O>>> map, frame_for<O> /*locals*/ = {}) {
    auto outcomes = co_await std::move(map);
    std::vector<O> all;
    all.reserve(outcomes.size());
    for (auto& o : outcomes)
        all.push_back(std::move(*o));
    co_return all;
}

/// The executors that are left for the chunks of a map.
template <bool Remote, class F, class Range>
inline constexpr map_executors executors_of_chunks = !Remote                   ? map_executors::local
                                                     : loops_locally<F, Range> ? map_executors::remote
                                                                               : map_executors::any;

template <bool Remote, template <class> class Results, class F, class Range>
auto start_map(executor ex, F&& f, Range&& range, const map_options& options, bool fail_fast) {
    using result = typename item_bound<std::decay_t<F>, item_of<Range>>::result;
    return run_map<executors_of_chunks<Remote, std::decay_t<F>, Range>, Results<result>, std::decay_t<F>, Range>(
        std::move(ex), std::decay_t<F>(std::forward<F>(f)), kept_range<Range>(std::forward<Range>(range)), options,
        fail_fast);
}

// A map that is refused has a result type, too, so that the sentence is the only error.
template <class F, class Range>
struct map_result_of {
    using type = std::monostate;
};
template <class F, class Range>
    requires maps_over<std::decay_t<F>, item_of<Range>>
struct map_result_of<F, Range> {
    using type = std::decay_t<typename item_bound<std::decay_t<F>, item_of<Range>>::result>;
};
template <class F, class Range>
using map_result = typename map_result_of<F, Range>::type;

template <class F, class Range>
using map_value = std::conditional_t<std::is_void_v<map_result<F, Range>>, std::monostate, map_result<F, Range>>;

template <class>
struct first_of_parameters {};
template <class First, class... Rest>
struct first_of_parameters<std::tuple<First, Rest...>> {
    using type = First;
    static constexpr std::size_t count = 1 + sizeof...(Rest);
};

template <class F>
concept takes_one_type = requires { typename first_of_parameters<decayed_parameters_t<F>>::type; };

/// Items given as a braced list, converted to the parameter type of `F`. Not a `std::initializer_list`, whose array g++
/// 12 rejects in an awaiting expression.
template <class F>
class item_list {
    using item = stored_parameter_t<typename first_of_parameters<decayed_parameters_t<F>>::type>;

public:
    template <class... Items>
        requires(sizeof...(Items) > 0 && (std::is_convertible_v<Items, item> && ...))
    explicit(false) item_list(Items&&... items) {
        items_.reserve(sizeof...(Items));
        (items_.push_back(static_cast<item>(fitting<item, 0>(std::forward<Items>(items)))), ...);
    }
    [[nodiscard]] std::vector<item> take() && { return std::move(items_); }

private:
    std::vector<item> items_;
};

/// The lists that an `item_list` cannot represent: the signature is unknown, or an item is spread over several
/// parameters.
template <class F, class T>
concept maps_list =
    maps_over<std::decay_t<F>, T> && !requires { requires first_of_parameters<decayed_parameters_t<F>>::count == 1; };

template <bool Remote, class F, class Range>
auto start_values(executor ex, F&& f, Range&& range, const map_options& options)
    -> task<std::vector<map_value<F, Range>>> {
    using checked = range_check<Remote, F, Range>;
#include <cadre/detail/codec/refusals.def>
    if constexpr (!accepts<checked>) {
        return {};
    } else {
        if constexpr (loops_locally<std::decay_t<F>, Range>) {
            if (!ex.backend()->remote())
                return run_local_map<Remote, map_value<F, Range>, std::decay_t<F>, Range>(
                    std::move(ex), std::decay_t<F>(std::forward<F>(f)), kept_range<Range>(std::forward<Range>(range)),
                    options);
        }
        if constexpr (Remote && is_raw_result<map_result<F, Range>>())
            return start_map<true, plain_results>(std::move(ex), std::forward<F>(f), std::forward<Range>(range),
                                                  options, true);
        else
            return collect_values<map_value<F, Range>>(start_map<Remote, outcome_results>(
                std::move(ex), std::forward<F>(f), std::forward<Range>(range), options, true));
    }
}

template <bool Remote, class F, class Range>
auto start_outcomes(executor ex, F&& f, Range&& range, const map_options& options)
    -> task<std::vector<outcome<map_result<F, Range>>>> {
    using checked = range_check<Remote, F, Range>;
#include <cadre/detail/codec/refusals.def>
    if constexpr (!accepts<checked>) {
        return {};
    } else {
        if constexpr (loops_locally<std::decay_t<F>, Range>) {
            using result = outcome<map_result<F, Range>>;
            if (!ex.backend()->remote())
                return run_local_map<Remote, result, std::decay_t<F>, Range>(
                    std::move(ex), std::decay_t<F>(std::forward<F>(f)), kept_range<Range>(std::forward<Range>(range)),
                    options);
        }
        return collect_outcomes(start_map<Remote, outcome_results>(std::move(ex), std::forward<F>(f),
                                                                   std::forward<Range>(range), options, false));
    }
}

}  // namespace detail

/// Applies `f` to every item of `range` on `ex`, several items at a time.
///
/// @param f        a function or coroutine function; a tuple item is spread over its parameters if `f` does not take
///                 the tuple whole. `f`, the items and the results must be portable, unless `ex` is a `serial_executor`
///                 or a `thread_executor`, which take any callable and any movable item. Through these an `f` whose
///                 operator() is const is not copied: several workers call it at a time, and it need not be copyable.
///                 Else it is copied for each item.
/// @param range    any input range; an lvalue is referred to and must outlive the map; the items of an rvalue container
///                 are moved
/// @param options  sizes, limits, retries and progress; see `map_options`
/// @return the results in input order; of a function that returns nothing, one `std::monostate` for each item
/// @throws the failure of the lowest index (one that is `cancelled` only if there is no other), after the rest was
/// asked to stop and has ended; what the range or `progress` throws, also after that.
///
/// Stop: passed on; completes when the work has ended, with `cancelled` if items were left. Resumes: at home; the range
/// is read there.
template <detail::map_executor E, class F, std::ranges::input_range Range>
[[nodiscard]] auto map(E&& ex, F&& f, Range&& range, map_options options = {}) {
    return detail::start_values<detail::may_be_remote<E>>(std::forward<E>(ex), std::forward<F>(f),
                                                          std::forward<Range>(range), options);
}

/// `map` through several ranges side by side, up to the end of the shortest one: calls `f(a, b, …)` with an item of
/// each.
template <detail::map_executor E, class F, std::ranges::input_range A, std::ranges::input_range B>
[[nodiscard]] auto map(E&& ex, F&& f, A&& a, B&& b, map_options options = {}) {
    return detail::start_values<detail::may_be_remote<E>>(
        std::forward<E>(ex), std::forward<F>(f), detail::side_by_side<A, B>{{std::forward<A>(a), std::forward<B>(b)}},
        options);
}
template <detail::map_executor E, class F, std::ranges::input_range A, std::ranges::input_range B,
          std::ranges::input_range C>
[[nodiscard]] auto map(E&& ex, F&& f, A&& a, B&& b, C&& c, map_options options = {}) {
    return detail::start_values<detail::may_be_remote<E>>(
        std::forward<E>(ex), std::forward<F>(f),
        detail::side_by_side<A, B, C>{{std::forward<A>(a), std::forward<B>(b), std::forward<C>(c)}}, options);
}
/// Options behind more than three ranges are an object: `map(ex, f, a, b, c, d, cadre::map_options{.chunk = 8})`.
template <detail::map_executor E, class F, class... Inputs>
    requires detail::many_ranges<Inputs...>
[[nodiscard]] auto map(E&& ex, F&& f, Inputs&&... inputs) {
    return detail::start_many(
        [&](auto&& ranges, const map_options& options) {
            return detail::start_values<detail::may_be_remote<E>>(std::forward<E>(ex), std::forward<F>(f),
                                                                  std::move(ranges), options);
        },
        std::forward<Inputs>(inputs)...);
}

/// `map` over a list: `map(ex, f, {1, 2, 3})`.
template <detail::map_executor E, class F>
    requires detail::takes_one_type<F>
[[nodiscard]] auto map(E&& ex, F&& f, detail::item_list<F> items, map_options options = {}) {
    return map(std::forward<E>(ex), std::forward<F>(f), std::move(items).take(), options);
}
template <detail::map_executor E, class F, class T>
    requires detail::maps_list<F, T>
[[nodiscard]] auto map(E&& ex, F&& f, std::initializer_list<T> items, map_options options = {}) {
    return map(std::forward<E>(ex), std::forward<F>(f), std::vector<T>(items), options);
}

/// Like `map`, but returns an `outcome`, a value or an error, for every item: a failure stops no other item.
template <detail::map_executor E, class F, std::ranges::input_range Range>
[[nodiscard]] auto map_outcomes(E&& ex, F&& f, Range&& range, map_options options = {}) {
    return detail::start_outcomes<detail::may_be_remote<E>>(std::forward<E>(ex), std::forward<F>(f),
                                                            std::forward<Range>(range), options);
}
/// `map_outcomes` through several ranges side by side.
template <detail::map_executor E, class F, std::ranges::input_range A, std::ranges::input_range B>
[[nodiscard]] auto map_outcomes(E&& ex, F&& f, A&& a, B&& b, map_options options = {}) {
    return detail::start_outcomes<detail::may_be_remote<E>>(
        std::forward<E>(ex), std::forward<F>(f), detail::side_by_side<A, B>{{std::forward<A>(a), std::forward<B>(b)}},
        options);
}
template <detail::map_executor E, class F, std::ranges::input_range A, std::ranges::input_range B,
          std::ranges::input_range C>
[[nodiscard]] auto map_outcomes(E&& ex, F&& f, A&& a, B&& b, C&& c, map_options options = {}) {
    return detail::start_outcomes<detail::may_be_remote<E>>(
        std::forward<E>(ex), std::forward<F>(f),
        detail::side_by_side<A, B, C>{{std::forward<A>(a), std::forward<B>(b), std::forward<C>(c)}}, options);
}
template <detail::map_executor E, class F, class... Inputs>
    requires detail::many_ranges<Inputs...>
[[nodiscard]] auto map_outcomes(E&& ex, F&& f, Inputs&&... inputs) {
    return detail::start_many(
        [&](auto&& ranges, const map_options& options) {
            return detail::start_outcomes<detail::may_be_remote<E>>(std::forward<E>(ex), std::forward<F>(f),
                                                                    std::move(ranges), options);
        },
        std::forward<Inputs>(inputs)...);
}

/// `map_outcomes` over a list.
template <detail::map_executor E, class F>
    requires detail::takes_one_type<F>
[[nodiscard]] auto map_outcomes(E&& ex, F&& f, detail::item_list<F> items, map_options options = {}) {
    return map_outcomes(std::forward<E>(ex), std::forward<F>(f), std::move(items).take(), options);
}
template <detail::map_executor E, class F, class T>
    requires detail::maps_list<F, T>
[[nodiscard]] auto map_outcomes(E&& ex, F&& f, std::initializer_list<T> items, map_options options = {}) {
    return map_outcomes(std::forward<E>(ex), std::forward<F>(f), std::vector<T>(items), options);
}

CADRE_REFUSE_OTHERS(map, "cadre::map(ex, f, range, options) takes an executor, a function, one or several ranges and "
                         "options as {.chunk = 8}; of a function that is overloaded or a template, pass a lambda that "
                         "calls it; for the elements of a stream use map_stream");
CADRE_REFUSE_OTHERS(map_outcomes, "cadre::map_outcomes(ex, f, range, options) takes an executor, a function, one or "
                                  "several ranges and options as {.chunk = 8}; of a function that is overloaded or a "
                                  "template, pass a lambda that calls it; for the elements of a stream use map_stream");

}  // namespace cadre
