/// @file
/// `when_all`: run several awaitables and wait for all of them; on a thread executor they run in parallel.
///
///     auto [x, y] = co_await cadre::when_all(fib(n - 1), fib(n - 2));
#pragma once

#include <array>
#include <coroutine>
#include <exception>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <cadre/detail/as_task.hpp>
#include <cadre/detail/fork_join.hpp>
#include <cadre/task.hpp>

namespace cadre {

namespace detail {

template <class T>
using monostate_if_void = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <class T>
monostate_if_void<T> take_result(const task<T>& t) {
    if constexpr (std::is_void_v<T>) {
        t.frame().promise().take();
        return {};
    } else {
        return t.frame().promise().take();
    }
}

template <class... Ts>
class [[nodiscard]] when_all_awaiter {
public:
    explicit when_all_awaiter(task<Ts>&&... tasks) noexcept : tasks_(std::move(tasks)...) {}

    [[nodiscard]] static bool await_ready() noexcept { return sizeof...(Ts) == 0; }
    template <class Promise>
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) noexcept {
        std::size_t i = 0;
        std::apply(
            [&](auto&... t) {
                ((children_[i].promise = &t.frame().promise(), children_[i].frame = t.frame(), ++i), ...);
            },
            tasks_);
        return join_.start(parent, environment_of_promise(parent), children_);
    }
    std::tuple<monostate_if_void<Ts>...> await_resume() {
        if (const join_child* failed = join_.first_failure(); failed != nullptr) [[unlikely]]
            rethrow(*failed);
        return std::apply([](auto&... t) { return std::tuple<monostate_if_void<Ts>...>(take_result(t)...); }, tasks_);
    }

private:
    [[noreturn]] void rethrow(const join_child& failed) {
        std::size_t i = 0;
        std::exception_ptr error;
        std::apply(
            [&](auto&... t) {
                ((&children_[i++] == &failed ? void(error = t.frame().promise().error()) : void()), ...);
            },
            tasks_);
        std::rethrow_exception(error);
    }

    std::array<join_child, sizeof...(Ts)> children_;
    join join_;
    std::tuple<task<Ts>...> tasks_;  // last: what their frames still hold may be linked to the join's stop state
};

template <class T>
class [[nodiscard]] when_all_range_awaiter {
public:
    explicit when_all_range_awaiter(std::vector<task<T>>&& tasks) noexcept : tasks_(std::move(tasks)) {}

    [[nodiscard]] bool await_ready() const noexcept { return tasks_.empty(); }
    template <class Promise>
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) {
        children_ = std::vector<join_child>(tasks_.size());
        for (std::size_t i = 0; i < tasks_.size(); ++i) {
            children_[i].promise = &tasks_[i].frame().promise();
            children_[i].frame = tasks_[i].frame();
        }
        return join_.start(parent, environment_of_promise(parent), children_);
    }
    std::vector<monostate_if_void<T>> await_resume() {
        if (const join_child* failed = join_.first_failure(); failed != nullptr) [[unlikely]]
            std::rethrow_exception(
                tasks_[static_cast<std::size_t>(failed - children_.data())].frame().promise().error());
        std::vector<monostate_if_void<T>> results;
        results.reserve(tasks_.size());
        for (auto& t : tasks_)
            results.push_back(take_result(t));
        return results;
    }

private:
    std::vector<join_child> children_;
    join join_;
    std::vector<task<T>> tasks_;  // last: what their frames still hold may be linked to the join's stop state
};

}  // namespace detail

/// Runs all and completes when every one has ended, with a `std::tuple` of the results in order of the arguments
/// (`std::monostate` for `void`). Await it at once: `co_await when_all(…)`.
///
/// Errors: the first failure (by time) requests stop of the rest, waits for them, and is rethrown. Stop: passed on to
/// all; ends when all have ended. The children share the parent's home; on a thread executor they run in parallel, the
/// first one on this thread. Resumes: at home.
template <awaitable... As>
[[nodiscard]] auto when_all(As... as) {
    return detail::when_all_awaiter<await_result_t<As>...>(detail::as_task(std::move(as))...);
}

/// The same over a range of awaitables of one type; completes with a `std::vector`. The range is moved from when it is
/// an rvalue container; it must not be empty-handed: each element is awaited once.
template <std::ranges::input_range R>
    requires awaitable<std::ranges::range_value_t<R>>
[[nodiscard]] auto when_all(R&& range) {
    using value = await_result_t<std::ranges::range_value_t<R>>;
    std::vector<task<value>> tasks;
    if constexpr (std::ranges::sized_range<R>) tasks.reserve(static_cast<std::size_t>(std::ranges::size(range)));
    for (auto&& item : range)
        tasks.push_back(detail::as_task(std::ranges::range_value_t<R>(std::move(item))));
    return detail::when_all_range_awaiter<value>(std::move(tasks));
}

}  // namespace cadre
