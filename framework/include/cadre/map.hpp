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

#include <cadre/detail/call/call_verdict.hpp>
#include <cadre/detail/call/environment_awaiter.hpp>
#include <cadre/detail/call/local_map.hpp>
#include <cadre/detail/call/map_input.hpp>
#include <cadre/detail/call/map_run.hpp>
#include <cadre/detail/call/map_verdict.hpp>
#include <cadre/detail/codec/convert_argument.hpp>
#include <cadre/executor.hpp>
#include <cadre/map_options.hpp>
#include <cadre/on.hpp>
#include <cadre/outcome.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

template <class Results, class F, class Range>
task<typename Results::type> run_map(executor ex, F f, kept_range<Range> range, map_options options, bool fail_fast) {
    environment_awaiter here;
    const environment* env = co_await here;
    map_run<F, item_of<Range>, Results> run(std::move(ex), f, options, range.size(), env->stop, fail_fast);
    co_await drive_chunks(run, range);
    co_return run.take_results();
}

template <class>
inline constexpr bool is_outcome = false;
template <class T>
inline constexpr bool is_outcome<outcome<T>> = true;

/// Whether a map on a local executor is one loop that the workers share, without a task for each chunk.
template <class F, class Range>
inline constexpr bool loops_locally =
    concurrently_readable<std::remove_reference_t<Range>> && !item_bound<F, item_of<Range>>::coroutine;

template <class Result, class F, class Range>
task<std::vector<Result>> run_local_map(executor ex, F f, kept_range<Range> range, map_options options) {
    parallel_loop::settings s;
    s.size = *range.size();
    s.item_limit = options.timeout.count() > 0 ? options.timeout : ex.options().timeout;
    s.chunk = s.item_limit.count() > 0 ? 1 : options.chunk;
    s.window = options.window;
    s.stop_at_failure = !is_outcome<Result>;
    s.name = options.name.empty() ? ex.options().name : std::string(options.name);
    s.progress = options.progress;
    local_map<F, item_of<Range>, decltype(range.begin()), Result> loop(ex.backend(), f, range.begin(), std::move(s));
    co_await loop.run();
    co_return loop.take();
}

template <class R, class O>
task<std::vector<R>> collect_values(task<std::vector<std::optional<O>>> map) {
    auto outcomes = co_await std::move(map);
    std::vector<R> values;
    values.reserve(outcomes.size());
    for (auto& o : outcomes) {
        if constexpr (std::is_same_v<R, std::monostate>)
            values.emplace_back();
        else
            values.push_back(*std::move(*o));
    }
    co_return values;
}

template <class O>
task<std::vector<O>> collect_outcomes(task<std::vector<std::optional<O>>> map) {
    auto outcomes = co_await std::move(map);
    std::vector<O> all;
    all.reserve(outcomes.size());
    for (auto& o : outcomes)
        all.push_back(std::move(*o));
    co_return all;
}

template <template <class> class Results, class F, class Range>
auto start_map(executor ex, F&& f, Range&& range, const map_options& options, bool fail_fast) {
    using result = typename item_bound<std::decay_t<F>, item_of<Range>>::result;
    return run_map<Results<result>, std::decay_t<F>, Range>(std::move(ex), std::decay_t<F>(std::forward<F>(f)),
                                                            kept_range<Range>(std::forward<Range>(range)), options,
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

/// Items given as a braced list, converted to the parameter type of `F`. Not a `std::initializer_list`, whose array g++ 12 rejects in an
/// awaiting expression.
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

/// The lists for which an `item_list` does not do: the signature is unknown, or an item is spread over several parameters.
template <class F, class T>
concept maps_list =
    maps_over<std::decay_t<F>, T> && !requires { requires first_of_parameters<decayed_parameters_t<F>>::count == 1; };

}  // namespace detail

/// Applies `f` to every item of `range` on `ex`, several items at a time.
///
/// @param f        a function or coroutine function; a tuple item is spread over its parameters if `f` does not take the
///                 tuple whole. `f`, the items and the results must be portable.
/// @param range    any input range; an lvalue is referred to and must outlive the map; the items of an rvalue container are moved
/// @param options  sizes, limits, retries and progress; see `map_options`
/// @return the results in input order; of a function that returns nothing, one `std::monostate` for each item
/// @throws the failure of the lowest index, after the rest was asked to stop and has ended; what the range throws. Stop:
/// passed on; completes when the work has ended, with `cancelled` if items were left. Resumes: at home; the range is read
/// there.
template <class F, std::ranges::input_range Range>
[[nodiscard]] auto map(executor ex, F&& f, Range&& range, map_options options = {})
    -> task<std::vector<detail::map_value<F, Range>>> {
    using verdict = detail::range_verdict<F, Range>;
#include <cadre/detail/codec/refusals.def>
    if constexpr (!detail::accepts<verdict>) {
        return {};
    } else {
        if constexpr (detail::loops_locally<std::decay_t<F>, Range>) {
            if (!ex.backend()->remote())
                return detail::run_local_map<detail::map_value<F, Range>, std::decay_t<F>, Range>(
                    std::move(ex), std::decay_t<F>(std::forward<F>(f)),
                    detail::kept_range<Range>(std::forward<Range>(range)), options);
        }
        if constexpr (detail::is_raw_result<detail::map_result<F, Range>>())
            return detail::start_map<detail::plain_results>(std::move(ex), std::forward<F>(f),
                                                            std::forward<Range>(range), options, true);
        else
            return detail::collect_values<detail::map_value<F, Range>>(detail::start_map<detail::outcome_results>(
                std::move(ex), std::forward<F>(f), std::forward<Range>(range), options, true));
    }
}

/// `map` over a list: `map(ex, f, {1, 2, 3})`.
template <class F>
    requires detail::takes_one_type<F>
[[nodiscard]] auto map(executor ex, F&& f, detail::item_list<F> items, map_options options = {}) {
    return map(std::move(ex), std::forward<F>(f), std::move(items).take(), options);
}
template <class F, class T>
    requires detail::maps_list<F, T>
[[nodiscard]] auto map(executor ex, F&& f, std::initializer_list<T> items, map_options options = {}) {
    return map(std::move(ex), std::forward<F>(f), std::vector<T>(items), options);
}

/// Like `map`, but returns an `outcome`, a value or an error, for every item: a failure stops no other item.
template <class F, std::ranges::input_range Range>
[[nodiscard]] auto map_outcomes(executor ex, F&& f, Range&& range, map_options options = {})
    -> task<std::vector<outcome<detail::map_result<F, Range>>>> {
    using verdict = detail::range_verdict<F, Range>;
#include <cadre/detail/codec/refusals.def>
    if constexpr (!detail::accepts<verdict>) {
        return {};
    } else {
        if constexpr (detail::loops_locally<std::decay_t<F>, Range>) {
            using result = outcome<detail::map_result<F, Range>>;
            if (!ex.backend()->remote())
                return detail::run_local_map<result, std::decay_t<F>, Range>(
                    std::move(ex), std::decay_t<F>(std::forward<F>(f)),
                    detail::kept_range<Range>(std::forward<Range>(range)), options);
        }
        return detail::collect_outcomes(detail::start_map<detail::outcome_results>(
            std::move(ex), std::forward<F>(f), std::forward<Range>(range), options, false));
    }
}

/// `map_outcomes` over a list.
template <class F>
    requires detail::takes_one_type<F>
[[nodiscard]] auto map_outcomes(executor ex, F&& f, detail::item_list<F> items, map_options options = {}) {
    return map_outcomes(std::move(ex), std::forward<F>(f), std::move(items).take(), options);
}
template <class F, class T>
    requires detail::maps_list<F, T>
[[nodiscard]] auto map_outcomes(executor ex, F&& f, std::initializer_list<T> items, map_options options = {}) {
    return map_outcomes(std::move(ex), std::forward<F>(f), std::vector<T>(items), options);
}

}  // namespace cadre
