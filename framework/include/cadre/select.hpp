/// @file
/// `select`: performs exactly one of several operations, the first that becomes ready.
///
///     cadre::channel<std::string> words{ex, 4};
///     cadre::channel<int> numbers{ex, 4};
///     auto got = co_await cadre::select(words.receive(), numbers.receive(), cadre::after(100ms));
///     if (got.index() == 0) std::cout << *get<0>(got) << '\n';    // empty: the channel is closed and drained
#pragma once

#include <array>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <cadre/detail/base/late_object.hpp>
#include <cadre/detail/base/refuse_others.hpp>
#include <cadre/detail/coroutine/await_check.hpp>
#include <cadre/detail/scheduler/local_worker.hpp>
#include <cadre/detail/state/select_branches.hpp>
#include <cadre/detail/state/select_core.hpp>
#include <cadre/detail/task/time_limit.hpp>
#include <cadre/when_any.hpp>

namespace cadre {

namespace detail {

template <class... Operations>
class [[nodiscard]] select_awaiter : select_core {
    using result = any_result<typename select_branch_of<Operations>::result...>;

public:
    using resumes_at_home = void;
    explicit select_awaiter(Operations&&... operations) : operations_(std::move(operations)...) {
        std::apply([](Operations&... each) { (select_branch_of<Operations>::prepare(each), ...); }, operations_);
    }

    [[nodiscard]] bool await_ready() noexcept {
        check_.awaited();
        return try_in_turn(std::index_sequence_for<Operations...>{}) && task_may_continue();
    }
    template <class Promise>
    [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> task) noexcept {
        std::apply([this](Operations&... each) { branches_.emplace(each...); }, operations_);
        pointers_ = std::apply([](auto&... each) { return pointers{&each...}; }, *branches_);
        return suspend(pointers_, task, environment_of_promise(task));
    }
    result await_resume() { return take<0>(finish()); }

private:
    using pointers = std::array<select_branch*, sizeof...(Operations)>;

    template <std::size_t I>
    [[nodiscard]] bool try_first() noexcept {
        auto& operation = std::get<I>(operations_);
        return try_one(
            I, [&] { return select_branch_of<std::remove_cvref_t<decltype(operation)>>::try_first(operation); });
    }
    template <std::size_t... Is>
    [[nodiscard]] bool try_in_turn(std::index_sequence<Is...>) noexcept {
        const std::size_t begin = next_turn() % sizeof...(Is);
        return ((Is >= begin && try_first<Is>()) || ...) || ((Is < begin && try_first<Is>()) || ...);
    }
    template <std::size_t I>
    result take(std::size_t performed) {
        if constexpr (I + 1 != sizeof...(Operations))
            if (performed != I) return take<I + 1>(performed);
        auto& operation = std::get<I>(operations_);
        return result(std::in_place_index<I>,
                      select_branch_of<std::remove_cvref_t<decltype(operation)>>::take(operation));
    }

    std::tuple<Operations...> operations_;
    // Set when the task suspends: the awaiter may be moved before it is awaited.
    late_object<std::tuple<select_branch_of<Operations>...>> branches_;
    pointers pointers_{};
    await_check<awaitable_kind::select> check_;
};

}  // namespace detail

/// For `select`: completes when `d` has passed since the await. @return an operation whose result is `std::monostate`
template <class Rep, class Period>
[[nodiscard]] detail::after_operation after(std::chrono::duration<Rep, Period> d) {
    return detail::after_operation(detail::to_time_limit(d));
}

/// Performs exactly one of `operations`: the first that becomes ready. If several are ready, successive calls choose
/// them in rotation. The other operations have no effect: they receive, send and lock nothing.
///
/// @param operations  `ch.receive()`, `ch.send(v)`, `ch.emplace(…)` of local and shared channels, `m.lock()`,
///         `m.lock_shared()`, `event.wait()`, `latch.wait()`, `value.wait(old)`, `after(d)`; written in the call, since
///         they refer to their handles and values
/// @return an `any_result`: `.index()` is the position of the operation that was performed, `get<I>` its result: an
///         optional for `receive` (empty: closed and drained), the guard for `lock`, `std::monostate` for the others
/// @throws what the performed operation throws: channel_closed for a `send`; executor_stopped; cancelled
///
/// Stop: an operation that is possible immediately is performed; a wait ends with `cancelled`, and no operation was
/// performed. Resumes: at home. Cost: linear in the number of operations.
template <class... Operations>
    requires(sizeof...(Operations) > 0 && (detail::selectable<Operations> && ...))
[[nodiscard]] auto select(Operations... operations) {
    return detail::select_awaiter<Operations...>(std::move(operations)...);
}

CADRE_REFUSE_OTHERS(select,
                    "cadre::select(operations...) takes operations that can be taken back: ch.receive(), ch.send(v), "
                    "m.lock(), event.wait(), after(100ms), and such; for tasks and other awaitables use when_any");
CADRE_REFUSE_OTHERS(after, "cadre::after(duration) takes a duration, as 100ms");

}  // namespace cadre
