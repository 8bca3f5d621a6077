/// @file
/// The input of a map, and the loop that sends it in chunks.
#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include <cadre/detail/call/completion_queue.hpp>
#include <cadre/detail/call/environment_awaiter.hpp>
#include <cadre/errors.hpp>
#include <cadre/task.hpp>

namespace cadre::detail {

/// Holds a range for the time of a map: a reference to an lvalue, or a moved rvalue.
template <class R>
class kept_range {
public:
    explicit kept_range(R&& range) : range_(std::forward<R>(range)) {}
    [[nodiscard]] std::remove_reference_t<R>& get() noexcept { return range_; }
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

template <class R>
using item_of = std::decay_t<std::ranges::range_value_t<std::remove_reference_t<R>>>;

/// Sends the items of `range` through `run` until the input has ended or `run` wants no more, and everything in flight has
/// completed. Throws what the range, an encoding or `progress` throws; else the failure of `run`; else `cancelled` if a stop request
/// left items in the input.
template <class Run, class Range>
task<void> drive_chunks(Run& run, Range& range) {
    std::exception_ptr input_error;
    auto at = std::ranges::begin(range);
    const auto end = std::ranges::end(range);
    for (;;) {
        try {
            while (input_error == nullptr && run.wants_more() && at != end)
                run.send_next(at, end);
        } catch (...) {
            input_error = std::current_exception();
            run.stop_all();
        }
        run.flush();
        if (run.idle()) break;
        auto next = run.completions().take();
        completion_queue::nodes completed = co_await next;
        try {
            run.collect(completed);
        } catch (...) {  // `progress` threw: what is in flight refers to `run`
            if (input_error == nullptr) input_error = std::current_exception();
            run.stop_all();
        }
    }
    if (input_error != nullptr) std::rethrow_exception(input_error);
    run.rethrow_failure();
    environment_awaiter here;
    const environment* env = co_await here;
    if (env->stop != nullptr && env->stop->stop_requested() && at != end) throw cancelled{};
}

}  // namespace cadre::detail
