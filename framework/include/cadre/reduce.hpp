/// @file
/// `reduce`: a parallel map-reduce.
///
///     auto words = co_await cadre::reduce(ex, count_words, std::plus<>{}, files, std::size_t{0});
#pragma once

#include <concepts>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/call/environment_awaiter.hpp>
#include <cadre/detail/call/local_reduce.hpp>
#include <cadre/detail/call/map_input.hpp>
#include <cadre/detail/call/reduce_run.hpp>
#include <cadre/executor.hpp>
#include <cadre/map.hpp>
#include <cadre/map_options.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

template <bool Remote, class F, class Op, class Range, class T>
task<T> run_reduce(executor ex, F f, Op op, kept_range<Range> range, T init, map_options options) {
    environment_awaiter here;
    const environment* env = co_await here;
    using item = item_of<Range>;
    map_function_reference<Remote, F, item> called(f);
    reduce_run<Remote, map_function_t<Remote, F, item>, Op, item, T> run(ex, called, op, std::move(init), options,
                                                                         range.size(), env->stop);
    co_await drive_chunks(run, range);
    co_return run.take_result();
}

template <bool Remote, class F, class Op, class Range, class T>
task<T> run_local_reduce(executor ex, F f, Op op, kept_range<Range> range, T init, map_options options) {
    const std::size_t size = *range.size();
    if (size == 0) co_return init;
    using item = item_of<Range>;
    map_function_reference<Remote, F, item> called(f);
    local_reduce<map_function_t<Remote, F, item>, Op, item, decltype(range.begin()), T> loop(
        ex.backend(), called, op, range.begin(), loop_settings(ex, options, size, true));
    co_await loop.run();
    co_return loop.take(std::move(init), op);
}

template <class Parameter, class T>
concept takes_without_loss = requires(T value) { Parameter{std::move(value)}; };

/// True if `T` converts to both parameter types of `Op` without narrowing, which would truncate partial results;
/// or if the signature of `Op` is unknown.
template <class Parameters, class T>
inline constexpr bool combines_only = std::is_void_v<Parameters>;
template <class A, class B, class T>
inline constexpr bool combines_only<std::tuple<A, B>, T> = takes_without_loss<A, T> && takes_without_loss<B, T>;

template <class F, class Range>
using reduced_value = map_result<F, Range>;

template <class Op, class T>
concept combines = std::is_invocable_r_v<T, Op&, T, T>;

/// Whether `reduce` accepts these arguments; its static_asserts have the messages.
template <bool Remote, class F, class Op, class Range, class T>
concept reducible =
    accepts<range_check<Remote, F, Range>> && !std::is_void_v<reduced_value<F, Range>> && combines<Op, T> &&
    std::is_constructible_v<T, reduced_value<F, Range>> && combines_only<decayed_parameters_t<Op>, T> &&
    std::movable<T> && (!Remote || (accepts<portability_of<Op>> && accepts<portability_of<T>>));

}  // namespace detail

/// Applies `f` to every item of `range` on `ex` and combines `init` and the results with `op`: `op(op(init, r0), r1)…`,
/// in input order. Each worker combines the results of a chunk of items, so that one value for each chunk returns;
/// holds memory for the chunks in flight, not for the items. On a serial or thread executor a plain function over an
/// array or `iota` is one loop that the workers share, as in `map`.
///
/// @param f        a function or coroutine function; a tuple item is spread over its parameters, as in `map`
/// @param op       `T(T, T)`, associative; need not be commutative. Runs in the workers and at home.
/// @param range    any input range; an lvalue is held by reference and must outlive the reduction
/// @param init     the leftmost value, applied once; also the result for an empty range
/// @param options  as for `map`. `retries`: a chunk whose worker died is repeated as a whole. With a `timeout` or a
///                 `task_timeout` of the executor, which count for each item, a chunk is one item.
/// `f`, `op`, the items and `T` must be portable, unless `ex` is a `serial_executor` or a `thread_executor`.
///
/// @throws what `f` or `op` throws, of several failures the one of the lowest index, after the rest was asked to stop
/// and has ended; what the range throws.
///
/// Stop: passed on; ends when the work has ended, with `cancelled`. Resumes: at home; the range is read there.
template <detail::map_executor E, class F, class Op, std::ranges::input_range Range, class T>
[[nodiscard]] task<T> reduce(E&& ex, F&& f, Op op, Range&& range, T init, map_options options = {}) {
    constexpr bool remote = detail::may_be_remote<E>;
    {
        using checked = detail::range_check<remote, F, Range>;
#include <cadre/detail/codec/refusals.def>
    }
    using value = detail::reduced_value<F, Range>;
    constexpr bool has_value = !std::is_void_v<value>;
    static_assert(has_value, "reduce: the function returns nothing that could be combined");
    static_assert(
        !has_value || detail::combines<Op, T>,
        "reduce: op combines two values of the type of init into one, because chunks are combined in parallel; "
        "let the function return a value that op takes on either side");
    constexpr bool converts = std::is_constructible_v<T, value>;
    static_assert(!has_value || !detail::combines<Op, T> || converts,
                  "reduce: the result of the function must convert to the type of init");
    static_assert(
        !detail::combines<Op, T> || !converts || detail::combines_only<detail::decayed_parameters_t<Op>, T>,
        "reduce: a parameter of op is narrower than the type of init: the conversion could lose part of a value");
    static_assert(std::movable<T>, "reduce: the type of init must be movable");
    {
        using checked = std::conditional_t<remote, detail::portability_of<Op>, detail::accepted>;
#include <cadre/detail/codec/refusals.def>
    }
    {
        using checked = std::conditional_t<remote, detail::portability_of<T>, detail::accepted>;
#include <cadre/detail/codec/refusals.def>
    }
    if constexpr (!detail::reducible<remote, F, Op, Range, T>) {
        return {};
    } else {
        executor handle = std::forward<E>(ex);
        if constexpr (detail::loops_locally<std::decay_t<F>, Range>) {
            if (!handle.backend()->remote())
                return detail::run_local_reduce<remote, std::decay_t<F>, Op, Range, T>(
                    std::move(handle), std::decay_t<F>(std::forward<F>(f)), std::move(op),
                    detail::kept_range<Range>(std::forward<Range>(range)), std::move(init), options);
        }
        return detail::run_reduce<remote, std::decay_t<F>, Op, Range, T>(
            std::move(handle), std::decay_t<F>(std::forward<F>(f)), std::move(op),
            detail::kept_range<Range>(std::forward<Range>(range)), std::move(init), options);
    }
}

CADRE_REFUSE_OTHERS(
    reduce, "cadre::reduce(ex, f, op, range, init, options) takes an executor, a function, an operation, a range, the "
            "initial value and options; of a function that is overloaded or a template, pass a lambda that calls it");

}  // namespace cadre
