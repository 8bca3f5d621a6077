/// @file
/// The input of a map, and the loop that sends it in chunks.
#pragma once

#include <cstddef>
#include <exception>
#include <iterator>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cadre/detail/base/range_item.hpp>
#include <cadre/detail/call/completion_queue.hpp>
#include <cadre/detail/call/environment_awaiter.hpp>
#include <cadre/detail/codec/owned_view.hpp>
#include <cadre/errors.hpp>
#include <cadre/task.hpp>

namespace cadre::detail {

/// A range given as an rvalue that owns its items: a map moves them.
template <class R>
concept owned_range = !std::is_reference_v<R> && !std::ranges::view<std::remove_cv_t<R>> &&
                      std::is_lvalue_reference_v<std::ranges::range_reference_t<R>>;

/// Holds a range for the time of a map: a reference to an lvalue, or a moved rvalue.
template <class R>
class kept_range {
public:
    explicit kept_range(R&& range) : range_(std::forward<R>(range)) {}
    [[nodiscard]] auto begin() {
        if constexpr (owned_range<R>)
            return std::make_move_iterator(std::ranges::begin(range_));
        else
            return std::ranges::begin(range_);
    }
    [[nodiscard]] auto end() {
        if constexpr (owned_range<R>)
            return std::move_sentinel(std::ranges::end(range_));
        else
            return std::ranges::end(range_);
    }
    /// The number of items, where it is known before they are read.
    [[nodiscard]] std::optional<std::size_t> size() noexcept {
        if constexpr (std::ranges::sized_range<std::remove_reference_t<R>>)
            return static_cast<std::size_t>(std::ranges::size(range_));
        else
            return std::nullopt;
    }

private:
    R range_;
};

/// The items that a map reads from the range.
template <class R>
using read_from = decltype(*std::declval<kept_range<R>&>().begin());

/// An item, or a part of one, that is a view owns its contents: it outlives what the iterator refers to.
template <class T>
struct stored_item : stored_parameter<T> {};
template <class... Ts>
struct stored_item<std::tuple<Ts...>> {
    using type = std::tuple<stored_parameter_t<Ts>...>;
};
// The key in an element of a map is constant; in an item it can be moved.
template <class A, class B>
struct stored_item<std::pair<A, B>> {
    using type = std::pair<stored_parameter_t<std::remove_const_t<A>>, stored_parameter_t<B>>;
};

template <class R>
struct item_type : stored_item<std::decay_t<std::ranges::range_value_t<std::remove_reference_t<R>>>> {};
template <class R>
using item_of = typename item_type<R>::type;

/// Whether items that can only be moved are those of a range that the map owns. Of tuples it is not checked.
template <class R>
inline constexpr bool gives_items = is_spreadable<item_of<R>> || std::is_constructible_v<item_of<R>, read_from<R>>;

/// Sends the items of `range`, a kept_range, through `run` until the input has ended or `run` wants no more, and
/// everything in flight has completed. Throws what `progress` throws; else the failure of `run`, which is also what the
/// range or an encoding throws, unless an item before has failed; else `cancelled` if a stop request left items in the
/// input.
template <class Run, class Range>
task<void> drive_chunks(Run& run, Range& range, typename Run::locals /*locals*/ = {}) {
    std::exception_ptr input_error;
    std::exception_ptr fatal;
    auto at = range.begin();
    const auto end = range.end();
    for (;;) {
        try {
            while (input_error == nullptr && run.wants_more() && at != end)
                run.send_next(at, end);
        } catch (...) {
            input_error = std::current_exception();
            run.fail_input(input_error);
        }
        run.flush();
        if (run.idle()) break;
        auto next = run.completions().take();
        completion_queue::nodes completed = co_await next;
        try {
            run.collect(completed);
        } catch (...) {  // `progress` threw: what is in flight refers to `run`
            if (fatal == nullptr) fatal = std::current_exception();
            run.stop_all();
        }
    }
    if (fatal != nullptr) std::rethrow_exception(fatal);
    run.rethrow_failure();
    if (input_error != nullptr) std::rethrow_exception(input_error);
    environment_awaiter here;
    const environment* env = co_await here;
    if (env->stop != nullptr && env->stop->stop_requested() && at != end) throw cancelled{};
}

}  // namespace cadre::detail
